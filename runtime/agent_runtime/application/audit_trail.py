"""Writes the audit beside the requests: an entry costs a request one append to a list.

A background task writes what has gathered, in one transaction, `GATHER` seconds after the first entry. A
process that is killed loses the entries of that time at most; one that ends by itself writes them first.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from datetime import timedelta
from typing import Final

from agent_runtime.domain.access.audit import AuditEntry
from agent_runtime.domain.clock import MACHINE, Clock
from agent_runtime.domain.ports.access import AuditStore
from agent_runtime.telemetry.log_throttle import LogThrottle

logger = logging.getLogger(__name__)

# Seconds in which entries gather before they are written together.
GATHER: Final = 0.25
# Entries of one transaction, written or deleted: other writers wait for it.
BATCH: Final = 200
# Entries that wait while the database is away; requests that change something fail then anyway.
MAX_WAITING: Final = 10_000
# Seconds between two tries while the database is away.
RETRY: Final = 1.0
# Seconds between two deletions of old entries.
CLEAR_INTERVAL: Final = 3600.0


class AuditTrail:
    """Takes entries and writes them; keeps the stored ones for `retention`."""

    def __init__(self, store: AuditStore, retention: timedelta, clock: Clock = MACHINE) -> None:
        self._store = store
        self._retention = retention
        self._clock = clock
        self._waiting: deque[AuditEntry] = deque()
        self._dropped = 0
        self._outage = LogThrottle(logger, "audit: entries are not written yet")
        self._gathered = asyncio.Event()

    def record(self, entry: AuditEntry) -> None:
        """Have the entry written soon. Neither waits nor raises."""
        if len(self._waiting) >= MAX_WAITING:
            self._dropped += 1
            return
        self._waiting.append(entry)
        self._gathered.set()

    async def run(self) -> None:
        """Write until cancelled."""
        clear_at = self._clock.steady()
        while True:
            try:
                if self._clock.steady() >= clear_at:
                    await self._clear()
                    clear_at = self._clock.steady() + CLEAR_INTERVAL
                await self._wait(clear_at - self._clock.steady())
                await self._write()
                self._outage.recovered()
            except Exception as error:  # the database is away, or refuses the table: both may end
                self._outage.failed(error)
                await asyncio.sleep(RETRY)

    async def close(self) -> None:
        """Write what is left, once `run` was cancelled."""
        try:
            await self._write()
        except Exception as error:  # the process ends in any case
            logger.warning("audit: %d entries are lost: %s", len(self._waiting), error)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._gathered.wait()
        except TimeoutError:
            return
        await asyncio.sleep(GATHER)

    async def _write(self) -> None:
        self._gathered.clear()
        while self._waiting:
            batch = [self._waiting[n] for n in range(min(BATCH, len(self._waiting)))]
            try:
                await self._store.append(batch)
            except BaseException:
                self._gathered.set()
                raise
            for _ in batch:
                self._waiting.popleft()
        if self._dropped:
            logger.error("audit: %d entries were dropped, too many waited", self._dropped)
            self._dropped = 0

    async def _clear(self) -> None:
        before = self._clock.wall() - self._retention
        cleared = BATCH
        while cleared == BATCH:
            cleared = await self._store.clear(before, BATCH)
