"""Claims sessions for a worker, by their leases in the database."""

from __future__ import annotations

import logging

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.domain.job import JobOrder
from agent_runtime.domain.lease import Holder
from agent_runtime.domain.ports.sessions import LeaseStore
from agent_runtime.domain.session import agent_identity

logger = logging.getLogger(__name__)


class SessionClaims:
    """Claims sessions for the worker `name`."""

    def __init__(self, name: str) -> None:
        # None for `console` and `connect`, whose jobs claim their sessions themselves.
        self.leases: LeaseStore | None = None
        # Whether another worker could take a call, as of the last heartbeat.
        self.others_free = False
        self._name = name
        self._left_to_others: set[str] = set()

    async def claim(self, session_id: str, job: str, dispatch: int) -> str:
        """Claim a session for a job; returns the identity under which its agent joins the room.

        Raises SessionHeld, SessionOver and StoreUnavailable.
        """
        if self.leases is None:
            return agent_identity(session_id)
        dispatches = await self.leases.claim(session_id, Holder(job, self._name, dispatch))
        return agent_identity(session_id, dispatches)

    async def order(self, session_id: str) -> JobOrder | None:
        """Return what a job for the session is to be started with; None leaves it to LiveKit's offer."""
        if self.leases is None:
            return None
        try:
            return await self.leases.order(session_id)
        except StoreUnavailable as error:
            logger.debug("session not read: %s", error, extra={"session": session_id})
            return None

    async def should_leave(self, session_id: str) -> bool:
        """Return whether this worker lost the session's agent and another worker is free to serve it.

        Raises StoreUnavailable.
        """
        if self.leases is None or not self.others_free:
            return False
        return await self.leases.lost_by(session_id) == self._name

    async def should_leave_once(self, session_id: str) -> bool:
        """Return the same, but only once for each session: then this worker is better than none.

        Raises StoreUnavailable.
        """
        if session_id in self._left_to_others or not await self.should_leave(session_id):
            return False
        self._left_to_others.add(session_id)
        return True

    async def release(self, session_id: str, job: str) -> None:
        """Give back a session that was claimed while the worker began to shut down."""
        if self.leases is None:
            return
        try:
            await self.leases.release(
                session_id, Holder(job, self._name), "its worker is shutting down"
            )
        except StoreUnavailable as error:
            logger.warning("session not released: %s", error)

    async def mark_refused(self, session_id: str | None) -> None:
        """Record that a dispatch of the session was refused, so that the API need not wait for it."""
        if self.leases is None or session_id is None:
            return
        try:
            await self.leases.mark_refused(session_id)
        except StoreUnavailable as error:
            logger.warning("refusal not recorded: %s", error)
