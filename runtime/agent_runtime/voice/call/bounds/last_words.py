"""Sentences that the runtime has the agent speak, and the end of the call after one of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

from livekit.agents import AgentSession
from livekit.agents.voice import SpeechHandle

logger = logging.getLogger(__name__)

# Seconds that a sentence may take, from the language model's or the voice's start to its last sound.
LONGEST: Final = 12.0


def speak(session: AgentSession[Any], text: str, *, interruptible: bool) -> SpeechHandle:
    """Let the agent speak the sentence: by its voice, or by a model that speaks itself.

    Raises RuntimeError when the session is not running.
    """
    if session.tts is None:
        return session.generate_reply(
            instructions=f"Say this to the caller, in the language that you speak: {text}",
            allow_interruptions=interruptible,
        )
    return session.say(text, allow_interruptions=interruptible)


async def say_and_end(
    session: AgentSession[Any], text: str | None, reason: str, end: Callable[[str], None]
) -> None:
    """Stop whatever the agent says, speak the sentence, and end the call with the reason in any case."""
    try:
        async with asyncio.timeout(LONGEST):
            await session.interrupt(force=True)
            if text:
                await speak(session, text, interruptible=False).wait_for_playout()
    except (TimeoutError, RuntimeError) as error:
        logger.warning("the agent's last words were not heard: %s", str(error) or "too slow")
    finally:
        end(reason)
