"""The longest call: a word to the model a minute before, a good-bye, the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from livekit.agents import AgentSession

from agent_runtime.domain.session import LONGEST_CALL
from agent_runtime.voice.call.bounds.last_words import say_and_end
from agent_runtime.voice.call.outcome import Outcome

logger = logging.getLogger(__name__)

# Seconds before the end at which the model learns of it; a call that is not much longer has no such word.
WARNING: Final = 60.0
# Seconds that an agent which continues a call has at least, so that it does not say good-bye at once.
LEAST: Final = 15.0
NOTICE: Final = (
    "The call ends in about a minute, because it has reached its longest duration. Tell the caller so when "
    "you speak next, and bring the conversation to a close."
)


class LongestCall:
    """Ends the call `limit` seconds after its caller came, or after it began with another agent."""

    def __init__(self, limit: float, good_bye: str, end: Callable[[str], None]) -> None:
        self._limit = limit
        self._good_bye = good_bye
        self._end = end
        self._session: AgentSession[Any] | None = None
        self._timers: list[asyncio.TimerHandle] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def listen_to(self, session: AgentSession[Any]) -> None:
        """Remember the session."""
        self._session = session

    async def caller_arrived(self, since: datetime | None) -> None:
        """Start the clock; it began at `since` (aware) when another agent has talked before."""
        elapsed = 0.0 if since is None else (datetime.now(UTC) - since).total_seconds()
        left = max(self._limit - max(elapsed, 0.0), LEAST if elapsed else self._limit)
        loop = asyncio.get_running_loop()
        if left > WARNING:
            self._timers.append(loop.call_later(left - WARNING, self._run, self._warn))
        self._timers.append(loop.call_later(left, self._run, self._say_good_bye))

    async def close(self, _outcome: Outcome, /) -> None:
        """Stop the clock."""
        for timer in self._timers:
            timer.cancel()
        for task in self._tasks:
            task.cancel()

    def _run(self, work: Callable[[AgentSession[Any]], Any]) -> None:
        if self._session is not None:
            task = asyncio.create_task(work(self._session))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _warn(self, session: AgentSession[Any]) -> None:
        logger.info("the call ends in %.0f s: longest duration", WARNING)
        try:
            agent = session.current_agent
            context = agent.chat_ctx.copy()
            context.add_message(role="system", content=NOTICE)
            await agent.update_chat_ctx(context)
        except RuntimeError as error:
            logger.warning("the model does not know that the call ends: %s", error)

    async def _say_good_bye(self, session: AgentSession[Any]) -> None:
        logger.info("the call has reached its longest duration")
        await say_and_end(session, self._good_bye, LONGEST_CALL, self._end)
