"""Workers and their dispatch notifications, and the lock of the API process that supervises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Protocol

from agent_runtime.domain.lease import WorkerState


class WorkerStore(Protocol):
    """The workers' reports of themselves. Methods raise StoreUnavailable."""

    async def report(self, instance: WorkerState, started_at: datetime) -> None:
        """Write how a worker is."""

    async def all(self) -> list[WorkerState]:
        """Every worker that has not signed off; whether it is alive shows in its beats."""

    async def mark_lost(self, name: str) -> None:
        """Record that the worker is gone without having signed off."""

    async def forget(self, now: datetime, older_than: timedelta) -> None:
        """Delete the row of the oldest worker that stopped or was lost, and has not reported since."""


class DispatchNotifier(Protocol):
    """Notifies workers as soon as a session needs an agent, before LiveKit offers them the job.

    A notification may be lost: LiveKit's offer follows in any case.
    """

    def notify(self, session_id: str) -> None:
        """Announce that the session's agent was dispatched. Neither waits nor raises."""


class DispatchListener(Protocol):
    """Receives the dispatch notifications in a worker."""

    def notices(self) -> AsyncIterator[str]:
        """The session's id of each dispatch; endless, raises nothing. Anybody may have sent it."""


class LeaderLock(Protocol):
    """A lock that one process on a database holds at a time."""

    async def acquire(self) -> bool:
        """Whether this process holds the lock, taking it if it is free. Raises StoreUnavailable."""

    async def close(self) -> None:
        """Release the lock."""


class Availability(Protocol):
    """Whether a new session would get an agent at once."""

    async def retry_after(self) -> int | None:
        """Seconds after which to try again when all workers are full; None when one is free."""
