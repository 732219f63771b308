"""Whether a new session would get an agent at once, from what the workers tell of themselves."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from agent_runtime.domain.fleet import Fleet
from agent_runtime.domain.lease import Phase
from agent_runtime.domain.ports.sessions import LeaseStore
from agent_runtime.domain.ports.workers import WorkerStore

# Workers speak every second; asked more often, the rows say the same.
FRESH: Final = 0.5
# A call lasts minutes: places come free one by one, and nobody knows when.
RETRY_AFTER: Final = 5


class WorkerAvailability:
    """Implements the port Places."""

    def __init__(self, workers: WorkerStore, leases: LeaseStore) -> None:
        self._workers = workers
        self._leases = leases
        self._fleet = Fleet()
        self._reading: asyncio.Task[None] | None = None
        self._read_at: float | None = None
        self._free: int | None = None

    async def retry_after(self) -> int | None:
        """Places that are free, less those for sessions that came before and have no agent yet.

        Without any word of a worker nobody knows, and the session may wait.
        """
        if self._read_at is None or time.monotonic() - self._read_at > FRESH:
            if self._reading is None:
                self._reading = asyncio.create_task(self._read())
            # All who come meanwhile are answered by the same rows.
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
            live = await self._leases.live()  # after the rows: what was taken meanwhile is seen
        finally:
            self._reading = None
        self._read_at = time.monotonic()
        self._fleet.see(self._read_at, workers)
        before = sum(one.phase in (Phase.ASKED, Phase.WAITING) for one in live)
        free = self._fleet.free(live)
        self._free = None if free is None else free - before
