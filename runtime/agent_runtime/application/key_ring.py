"""The valid keys in memory: a request with one asks no database, and neither does a stranger's guess.

All valid keys are read at once, and serve for `VALID` seconds. So a revocation takes effect within that
time in every process. A key that is not among them may have been made just now: its request waits for the
next read, and there is at most one read in `PAUSE` seconds, however many guess. While the database is away
no key is known, and requests with one are refused.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from agent_runtime.domain.access.keys import ApiKey, id_of_key
from agent_runtime.domain.clock import MACHINE, Clock
from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.domain.ports.access import KeyStore
from agent_runtime.telemetry.log_throttle import LogThrottle

logger = logging.getLogger(__name__)

# Seconds for which the keys that were read serve; docs/keys.md promises it for revocations.
VALID: Final = 5.0
# Least seconds from the beginning of one read to that of the next.
PAUSE: Final = 0.2
# Seconds for which a failed read answers all requests, so that nobody waits for a database that is away.
FAILED: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Read:
    """What one read found, or why it failed; `at` is when it began, by the steady clock."""

    at: float = -math.inf
    keys: Mapping[str, ApiKey] = field(default_factory=dict)
    exist: bool = True
    error: Exception | None = None


class KeyRing:
    """Finds the key of a request."""

    def __init__(self, store: KeyStore, clock: Clock = MACHINE) -> None:
        self._store = store
        self._clock = clock
        self._last = _Read()
        self._reading: asyncio.Task[None] | None = None
        self._outage = LogThrottle(logger, "API keys")
        self._used: dict[str, date] = {}
        self._writes: set[asyncio.Task[None]] = set()

    async def find(self, text: str) -> ApiKey | None:
        """The valid key that this text is, or None. Raises StoreUnavailable while that is not known."""
        key_id = id_of_key(text)
        if key_id is None:
            return None
        asked = self._clock.steady()
        key = (await self._read_since(asked - VALID)).keys.get(key_id)
        if key is None:
            key = (await self._read_since(asked)).keys.get(key_id)
        if key is None or not key.matches(text) or not key.is_valid(self._clock.wall()):
            return None
        self._note_use(key)
        return key

    async def is_empty(self) -> bool:
        """Whether no key was ever made. Raises StoreUnavailable while that is not known."""
        return not (await self._read_since(self._clock.steady() - VALID)).exist

    async def close(self) -> None:
        """Wait for the writes under way."""
        if self._writes:
            await asyncio.wait(self._writes)

    async def _read_since(self, moment: float) -> _Read:
        """What a read found that began at that moment of the steady clock, or later."""
        while self._last.at < moment or self._last.error is not None:
            failed = self._last.error
            if failed is not None and self._clock.steady() - self._last.at < FAILED:
                raise failed
            if self._reading is None:
                self._reading = asyncio.create_task(self._read())
            # A client that leaves must not cancel the read, for which others wait.
            await asyncio.shield(self._reading)
        return self._last

    async def _read(self) -> None:
        try:
            await asyncio.sleep(self._last.at + PAUSE - self._clock.steady())
            began = self._clock.steady()
            try:
                found = await self._store.valid(self._clock.wall())
                exist = bool(found) or await self._store.exist()
            except Exception as error:  # raised again for each request that needs the keys
                self._outage.failed(error)
                self._last = _Read(began, error=error)
            else:
                self._outage.recovered()
                self._last = _Read(began, {key.id: key for key in found}, exist)
        finally:
            self._reading = None

    def _note_use(self, key: ApiKey) -> None:
        """Have the day of the use written, once a day and key, and not while the request waits."""
        today = self._clock.wall().date()
        if key.last_used == today or self._used.get(key.id) == today:
            return
        self._used[key.id] = today
        task = asyncio.create_task(self._mark_used(key.id, today))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    async def _mark_used(self, key_id: str, day: date) -> None:
        try:
            await self._store.mark_used(key_id, day)
        except StoreUnavailable as error:
            logger.warning("the use of key %s is not recorded: %s", key_id, error)
