"""Whether a new session would get an agent at once, from what the workers tell of themselves."""

from __future__ import annotations

import time
from typing import Final

from agent_runtime.domain.fleet import Fleet
from agent_runtime.domain.lease import Phase
from agent_runtime.domain.ports import InstanceStore, LeaseStore

# Workers speak every second; asked more often, the rows say the same.
FRESH: Final = 0.5
# A call lasts minutes: places come free one by one, and nobody knows when.
RETRY_AFTER: Final = 5


class WorkersPlaces:
    """Implements the port Places."""

    def __init__(self, instances: InstanceStore, leases: LeaseStore) -> None:
        self._instances = instances
        self._leases = leases
        self._fleet = Fleet()
        self._read_at: float | None = None
        self._free: int | None = None

    async def retry_after(self) -> int | None:
        """Places that are free, less those that were given since the workers spoke.

        Without any word of a worker nobody knows, and the session may wait.
        """
        now = time.monotonic()
        if self._read_at is None or now - self._read_at > FRESH:
            self._read_at = now
            self._fleet.see(now, await self._instances.all())
            asked = sum(one.phase is Phase.ASKED for one in await self._leases.live())
            self._free = None if self._fleet.free is None else self._fleet.free - asked
        if self._free is None:
            return None
        if self._free <= 0:
            return RETRY_AFTER
        self._free -= 1
        return None
