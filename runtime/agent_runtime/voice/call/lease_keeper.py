"""Keeps the session's lease for as long as the agent is connected to its room."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from agent_runtime.domain.errors import (
    RoomTaken,
    SessionHeld,
    SessionNotFound,
    SessionOver,
    StoreUnavailable,
)
from agent_runtime.domain.lease import Holder, Holding
from agent_runtime.domain.ports.sessions import SessionStore

logger = logging.getLogger(__name__)


class LeaseKeeper:
    """Renews the lease every `interval` seconds while `is_connected()`.

    Calls `on_ended()` when the session was ended elsewhere, `on_lost(why)` when it cannot be kept: another
    job holds it, or it was lost and cannot be taken back because the session is held, over or gone, or its
    room has another session. It renews nothing after either.
    """

    def __init__(
        self,
        sessions: SessionStore,
        session_id: str,
        holder: Holder,
        *,
        interval: float,
        is_connected: Callable[[], bool],
        on_ended: Callable[[], None],
        on_lost: Callable[[str], None],
    ) -> None:
        self._sessions = sessions
        self._session_id = session_id
        self._holder = holder
        self._interval = interval
        self._is_connected = is_connected
        self._on_ended = on_ended
        self._on_lost = on_lost

    async def run(self) -> None:
        """Renew until the lease is lost or the task is cancelled."""
        while True:
            await asyncio.sleep(self._interval)
            # Without a connection no caller hears the agent: another one may come in its place.
            if self._is_connected() and not await self._renew():
                return

    async def _renew(self) -> bool:
        """Whether the lease is still ours."""
        try:
            held = await self._sessions.heartbeat(self._session_id, self._holder)
            if held is Holding.FREE:
                # The lease was taken from us while we were cut off, and no job holds it yet: take it back.
                await self._sessions.activate(self._session_id, self._holder)
        except StoreUnavailable as error:
            logger.warning("heartbeat not written: %s", error)
            return True
        except (SessionHeld, SessionOver, SessionNotFound, RoomTaken) as error:
            self._on_lost(str(error))
            return False
        except Exception:
            # Without further heartbeats a second agent would soon join this one.
            logger.exception("heartbeat not written, will retry")
            return True
        if held is Holding.OVER:
            self._on_ended()
        elif held is Holding.THEIRS:
            self._on_lost("another job has the session")
        return held in (Holding.OURS, Holding.FREE)
