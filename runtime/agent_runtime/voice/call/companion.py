"""What accompanies a call: the protocol, and the one list of all companions."""

from __future__ import annotations

import logging
from typing import Any, Protocol

from livekit.agents import AgentSession

from agent_runtime.domain.privacy import PrivacyTier
from agent_runtime.telemetry.turn_metrics import TurnReporter
from agent_runtime.voice.call.companions.call_cost import CallCost
from agent_runtime.voice.call.companions.silence_watchdog import SilenceWatchdog
from agent_runtime.voice.call.companions.transcript import TranscriptWriter
from agent_runtime.voice.call.companions.turn_recorder import TurnRecorder
from agent_runtime.voice.call.context import CallContext
from agent_runtime.voice.call.outcome import Outcome

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


async def close_companion(companion: Companion, outcome: Outcome) -> None:
    """Close it. An error is logged, and the call goes on to end."""
    try:
        await companion.close(outcome)
    except Exception:
        logger.exception("%s was not closed", type(companion).__name__)
