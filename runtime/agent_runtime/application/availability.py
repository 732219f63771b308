"""Whether a new session would get an agent at once, from the state that the workers report."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from agent_runtime.domain.errors import RETRY_AFTER
from agent_runtime.domain.fleet import Fleet
from agent_runtime.domain.lease import Phase
from agent_runtime.domain.ports.sessions import LeaseStore
from agent_runtime.domain.ports.workers import WorkerStore

# Seconds for which rows that were read stay valid. Workers report every second, so reading them more
# often would return the same.
MAX_AGE: Final = 0.5


class WorkerAvailability:
    """Implements the port Availability."""

    def __init__(self, workers: WorkerStore, leases: LeaseStore) -> None:
        self._workers = workers
        self._leases = leases
        self._fleet = Fleet()
        self._reading: asyncio.Task[None] | None = None
        self._read_at: float | None = None
        self._free: int | None = None

    async def retry_after(self) -> int | None:
        """None when a worker has capacity for one more session, and takes that capacity; else seconds.

        Capacity for sessions that were created earlier and have no agent yet is not free. While no
        worker has reported, nothing is known, and the session is queued.
        """
        if self._read_at is None or time.monotonic() - self._read_at > MAX_AGE:
            if self._reading is None:
                self._reading = asyncio.create_task(self._read())
            # Requests that arrive while the rows are being read share the result.
            await asyncio.shield(self._reading)
        if self._free is None:
            return None
        if self._free <= 0:
            return RETRY_AFTER
        self._free -= 1
        return None

    async def _read(self) -> None:
        try:
            workers = await self._workers.all()
            # Read after the workers, so that calls taken in between are seen.
            live = await self._leases.live()
        finally:
            self._reading = None
        self._read_at = time.monotonic()
        self._fleet.observe(self._read_at, workers)
        queued = sum(one.phase in (Phase.ASKED, Phase.WAITING) for one in live)
        free = self._fleet.free_capacity(live)
        self._free = None if free is None else free - queued
