"""Undoes creates that were refused because the database was late, and that it applied all the same.

A statement that we gave up may still be on its way: the database applies it when it has time again, after
our client has its refusal. Such a session would bring an agent into a room to which nobody comes, and hold
capacity meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.domain.ports.sessions import SessionStore
from agent_runtime.domain.session import Session, SessionStatus

logger = logging.getLogger(__name__)

EVERY: Final = 1.0  # seconds between two rounds
# Of a database that answers, a session is looked for after pauses that double up to this: what was sent may
# come much later, over a network that was cut, or from a disk that stood still.
LONGEST_PAUSE: Final = 64.0  # seconds


@dataclass(slots=True)
class _Refused:
    reason: str
    due: float  # by the loop's clock
    pause: float  # seconds until it is looked for again


class LateCreates:
    """`leave` is awaited with each session that was ended."""

    def __init__(self, sessions: SessionStore, leave: Callable[[Session], Awaitable[None]]) -> None:
        self._sessions = sessions
        self._leave = leave
        self._refused: dict[str, _Refused] = {}
        self._task: asyncio.Task[None] | None = None

    def add(self, session_id: str, reason: str) -> None:
        """See to it that this session ends as an error, whenever it turns up."""
        self._refused[session_id] = _Refused(reason, asyncio.get_running_loop().time(), EVERY)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    def stop(self) -> None:
        """The process ends; agents that come for what is left go when nobody joins them."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        while self._refused:
            await asyncio.sleep(EVERY)
            try:
                for session_id, refused in list(self._refused.items()):
                    if asyncio.get_running_loop().time() >= refused.due:
                        await self._retract(session_id, refused)
            except StoreUnavailable as error:
                logger.info("refused sessions are not looked for yet: %s", error)
            except Exception:
                logger.exception("refused sessions were not looked for")

    async def _retract(self, session_id: str, refused: _Refused) -> None:
        refused.due = asyncio.get_running_loop().time() + refused.pause
        ended = await self._sessions.finish(session_id, SessionStatus.ERROR, refused.reason)
        if ended is None and refused.pause <= LONGEST_PAUSE:
            refused.pause *= 2
            return
        del self._refused[session_id]
        if ended is not None:
            logger.warning(
                "session ended, its create was refused: %s",
                refused.reason,
                extra={"session": session_id},
            )
            await self._leave(ended)
