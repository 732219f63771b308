"""The agent's first words, once its caller is there."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

from livekit.agents import AgentSession

from agent_runtime import __version__
from agent_runtime.agents.model import AgentConfig
from agent_runtime.domain.lease import Utterance
from agent_runtime.domain.session import NO_CALLER_CAME, SessionStatus
from agent_runtime.text.words import has_words
from agent_runtime.voice.call.companions.silence_watchdog import SilenceWatchdog
from agent_runtime.voice.call.context import CallContext
from agent_runtime.voice.call.outcome import JobExit
from agent_runtime.voice.call.participants import Participants
from agent_runtime.voice.call.room.room_server import is_caller_there

logger = logging.getLogger(__name__)

# Seconds, on top of the leave grace, that an agent which continues a call waits for an absent caller.
COME_BACK: Final = 5.0


async def caller_arrives(
    context: CallContext, participants: Participants, job_exit: JobExit, *, continues: bool
) -> bool:
    """Wait for the caller; whether the agent may greet. Ends the call when no caller comes in time.

    `continues`: another agent talked with the caller before, who comes back soon or has left.
    """
    if context.at_console:
        return True
    settings = context.settings.worker
    timeout = settings.leave_grace + COME_BACK if continues else settings.wait_for_caller
    while True:
        try:
            await participants.wait_for_caller(timeout)
        except TimeoutError:
            if await is_caller_there(context):
                timeout = COME_BACK  # the caller is about to be announced
                continue
            if continues:
                job_exit.caller_left()
            else:
                job_exit.end(SessionStatus.ENDED, NO_CALLER_CAME)
        break
    return job_exit.outcome is None


async def introduce(context: CallContext, config: AgentConfig, version: int | None) -> None:
    """Let pages in the room know the agent: its name as the participant's, and what it is as attributes.

    `version` is that of the agent's registration.
    """
    local = context.job.room.local_participant
    await local.set_attributes(
        {
            "agent_runtime.agent": str(context.target.agent_id),
            "agent_runtime.session": context.session_id,
            "agent_runtime.version": __version__,
            **({"agent_runtime.agent_version": str(version)} if version is not None else {}),
        }
    )
    if config.name:
        await local.set_name(config.name)


def greet(
    session: AgentSession[Any],
    config: AgentConfig,
    transcript: Sequence[Utterance],
    watchdog: SilenceWatchdog,
) -> None:
    """Greet, or continue the conversation of `transcript`.

    The watchdog expects speech wherever the agent speaks first; without a greeting the caller does. A
    greeting without words, such as an emoji, is none.
    """
    if transcript:
        # Taken over from an agent that was lost: the caller is not greeted twice.
        logger.info("agent continues after %d messages", len(transcript))
        if transcript[-1].role == "user":
            watchdog.expect_speech()
            session.generate_reply()
    elif config.greeting and has_words(config.greeting):
        watchdog.expect_speech()
        session.say(config.greeting)
    elif config.greeting_instructions:
        watchdog.expect_speech()
        session.generate_reply(instructions=config.greeting_instructions)
