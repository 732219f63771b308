"""Ends sessions whose create was refused, once the database can be written again.

A create that timed out may still be on its way: the database applies it when it has time again, after
the client has received its refusal. Or the session was stored, LiveKit was unreachable, and then the
database, too. Such a session would send an agent into an empty room, and hold capacity.
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

# Seconds between two rounds over the refused sessions.
INTERVAL: Final = 1.0
# Most seconds between two lookups of a session. The pause doubles up to this, then the session is
# dropped: a statement may arrive that late over a network that was cut, or from a disk that stalled.
MAX_PAUSE: Final = 64.0


@dataclass(slots=True)
class _Refused:
    reason: str
    due: float  # time of the next lookup, by the event loop's clock
    pause: float  # seconds between that lookup and the one after it


class RefusedSessions:
    """Ends refused sessions that appear in the database; awaits `remove_agent` with each of them."""

    def __init__(
        self, sessions: SessionStore, remove_agent: Callable[[Session], Awaitable[None]]
    ) -> None:
        self._sessions = sessions
        self._remove_agent = remove_agent
        self._refused: dict[str, _Refused] = {}
        self._task: asyncio.Task[None] | None = None

    def add(self, session_id: str, reason: str) -> None:
        """End this session as an error whenever it appears in the database."""
        self._refused[session_id] = _Refused(reason, asyncio.get_running_loop().time(), INTERVAL)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    def stop(self) -> None:
        """Stop looking. An agent that still comes for a refused session leaves when no caller joins it."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        while self._refused:
            await asyncio.sleep(INTERVAL)
            try:
                for session_id, refused in list(self._refused.items()):
                    if asyncio.get_running_loop().time() >= refused.due:
                        await self._look_up(session_id, refused)
            except StoreUnavailable as error:
                logger.info("refused sessions cannot be looked up yet: %s", error)
            except Exception:
                logger.exception("looking up refused sessions failed")

    async def _look_up(self, session_id: str, refused: _Refused) -> None:
        refused.due = asyncio.get_running_loop().time() + refused.pause
        ended = await self._sessions.finish(session_id, SessionStatus.ERROR, refused.reason)
        if ended is None and refused.pause <= MAX_PAUSE:
            refused.pause *= 2
            return
        del self._refused[session_id]
        if ended is not None:
            logger.warning(
                "session ended because its create was refused: %s",
                refused.reason,
                extra={"session": session_id},
            )
            await self._remove_agent(ended)
