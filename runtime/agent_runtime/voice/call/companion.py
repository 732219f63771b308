"""What accompanies a call: the protocol, and the one list of all companions."""

from __future__ import annotations

import logging
from datetime import datetime
from functools import partial
from typing import Any, Protocol, runtime_checkable

from livekit.agents import AgentSession

from agent_runtime.agents.calls.phrases import words_of
from agent_runtime.agents.model import AgentConfig
from agent_runtime.domain.callers.privacy import PrivacyTier
from agent_runtime.domain.session import SessionStatus
from agent_runtime.telemetry.turn_metrics import TurnReporter
from agent_runtime.voice.call.bounds.duration import LongestCall
from agent_runtime.voice.call.bounds.silence import SilentCaller
from agent_runtime.voice.call.companions.call_cost import CallCost
from agent_runtime.voice.call.companions.silence_watchdog import SilenceWatchdog
from agent_runtime.voice.call.companions.transcript import TranscriptWriter
from agent_runtime.voice.call.companions.turn_recorder import TurnRecorder
from agent_runtime.voice.call.context import CallContext
from agent_runtime.voice.call.outcome import JobExit, Outcome

logger = logging.getLogger(__name__)


class Companion(Protocol):
    """Follows a call by the events of its AgentSession.

    It is made with the running event loop, shortly before the session starts.
    """

    def listen_to(self, session: AgentSession[Any]) -> None:
        """Subscribe to the session's events; called once, before the session starts.

        A handler runs between audio frames: it must not block, and leaves slow work to a task.
        """

    async def close(self, outcome: Outcome, /) -> None:
        """Stop, and write what is left; called once, before the session's final row is written.

        An error is logged, and the companions that follow are closed all the same.
        """


@runtime_checkable
class AwaitsCaller(Protocol):
    """A companion that begins when the caller is there."""

    async def caller_arrived(self, since: datetime | None, /) -> None:
        """The caller is there. The agent greets when this returns.

        `since` is the (aware) time of the session's begin when another agent has talked before, else None.
        """


def build_companions(
    context: CallContext, watchdog: SilenceWatchdog, tier: PrivacyTier
) -> list[Companion]:
    """All companions of a call, in the order in which they listen and are closed.

    A new companion joins this list; nothing else of the call changes. What one keeps of the conversation
    depends on `tier`.
    """
    settings, stores = context.settings, context.stores
    return [
        watchdog,  # first, so that it plays no clip while the others close
        TurnRecorder(
            context.session_id,
            context.holder.job,
            stores.metrics,
            TurnReporter(settings.turns_socket),
            CallCost(settings.prices),
        ),
        TranscriptWriter(
            context.session_id, stores.transcripts, sealed=tier is not PrivacyTier.FULL
        ),
    ]


def build_bounds(
    context: CallContext, config: AgentConfig, watchdog: SilenceWatchdog, job_exit: JobExit
) -> list[Companion]:
    """The companions that bound the call, and those that the agent's configuration wants besides."""
    worker = context.settings.worker
    words = words_of(config.phrases, config.language)
    end = partial(job_exit.end, SessionStatus.ENDED)
    longest = config.max_conversation_duration or worker.call_duration or worker.call_max_duration
    found: list[Companion] = [
        LongestCall(min(longest, worker.call_max_duration), words.duration_goodbye, end)
    ]
    if silence := config.silence_timeout or worker.call_silence:
        found.append(SilentCaller(silence, config.silence_prompts, words, end))
    if context.at_console:
        return found
    if config.chat_enabled:
        from agent_runtime.voice.call.bounds.chat import Chat

        found.append(Chat(context.job.room))
    if config.voicemail_detection:
        from agent_runtime.voice.call.bounds.voicemail import VoicemailDetection

        found.append(VoicemailDetection(words.voicemail_message, watchdog, end))
    return found


async def close_companion(companion: Companion, outcome: Outcome) -> None:
    """Close it. An error is logged, and the call goes on to end."""
    try:
        await companion.close(outcome)
    except Exception:
        logger.exception("%s was not closed", type(companion).__name__)
