"""Workers, what they are notified of, and who of the API processes acts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Protocol

from agent_runtime.domain.lease import WorkerState


class WorkerStore(Protocol):
    """The workers, as they tell of themselves. Methods raise StoreUnavailable."""

    async def report(self, instance: WorkerState, started_at: datetime) -> None:
        """Write how a worker is."""

    async def all(self) -> list[WorkerState]:
        """Every worker that has not said goodbye; which of them live shows in their beats."""

    async def mark_lost(self, name: str) -> None:
        """The worker is gone without a goodbye."""

    async def forget(self, now: datetime, older_than: timedelta) -> None:
        """Delete the row of the oldest worker that stopped, or was buried, and said nothing since."""


class DispatchNotifier(Protocol):
    """Tells the workers of a session sooner than LiveKit does, which makes up for what is not heard."""

    def notify(self, room_name: str, metadata: str) -> None:
        """An agent was asked for; `metadata` is that of the dispatch. Neither waits nor fails."""


class DispatchListener(Protocol):
    """Hears the bell, in a worker."""

    def notices(self) -> AsyncIterator[tuple[str, str]]:
        """Room name and metadata of each session that is asked for; without end, never fails."""


class LeaderLock(Protocol):
    """The right to act, which one process at a time has."""

    async def acquire(self) -> bool:
        """Whether we have it, asked each time before acting. Raises StoreUnavailable."""

    async def close(self) -> None:
        """Give it up."""


class Availability(Protocol):
    """Whether a new session would get an agent at once."""

    async def retry_after(self) -> int | None:
        """Seconds after which to try again when all workers are full; None when one is free."""
