"""The agent's first words, once its caller is there."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from livekit.agents import AgentSession

from agent_runtime.agents.model import AgentConfig
from agent_runtime.domain.lease import Utterance
from agent_runtime.voice.call.companions.silence_watchdog import SilenceWatchdog

logger = logging.getLogger(__name__)


def greet(
    pipeline: AgentSession[Any],
    config: AgentConfig,
    said: Sequence[Utterance],
    rescue: SilenceWatchdog,
) -> None:
    """Greet, or go on with what was `said`; an agent that has no greeting waits to be spoken to."""
    if said:
        # Taken over from an agent that was lost: nobody greets twice.
        logger.info("agent goes on after %d messages", len(said))
        if said[-1].role == "user":
            rescue.expect_speech()
            pipeline.generate_reply()
    elif config.greeting:
        rescue.expect_speech()
        pipeline.say(config.greeting)
    elif config.greeting_instructions:
        rescue.expect_speech()
        pipeline.generate_reply(instructions=config.greeting_instructions)
