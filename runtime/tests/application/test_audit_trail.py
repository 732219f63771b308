"""The audit beside the requests: what is written, when, and what an outage costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from agent_runtime.application import audit_trail
from agent_runtime.application.audit_trail import BATCH, MAX_WAITING, AuditTrail
from agent_runtime.domain.access.audit import AuditEntry
from agent_runtime.domain.errors import StoreUnavailable

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def entry(number: int) -> AuditEntry:
    """An entry about an agent."""
    return AuditEntry(NOW, "platform", "registerAgent", "200", agent_id=number)


class Entries:
    """The port AuditStore over a list; `away` times it fails first."""

    def __init__(self, away: int = 0, old: int = 0) -> None:
        self.stored: list[AuditEntry] = []
        self.batches: list[int] = []
        self.away = away
        self.old = old
        self.before: datetime | None = None
        self.written = asyncio.Event()

    async def append(self, entries: Sequence[AuditEntry]) -> None:
        """Store them, unless it is away."""
        if self.away:
            self.away -= 1
            raise StoreUnavailable("away")
        self.stored += entries
        self.batches.append(len(entries))
        self.written.set()

    async def read(
        self, since: datetime | None, after: int, limit: int
    ) -> Sequence[tuple[int, AuditEntry]]:
        """Not used here."""
        raise NotImplementedError

    async def clear(self, before: datetime, limit: int) -> int:
        """Delete old ones."""
        self.before = before
        gone = min(limit, self.old)
        self.old -= gone
        return gone


@asynccontextmanager
async def running(store: Entries) -> AsyncIterator[AuditTrail]:
    """A trail that writes."""
    trail = AuditTrail(store, timedelta(days=90))
    task = asyncio.create_task(trail.run())
    try:
        yield trail
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_entries_are_written_together_and_in_order() -> None:
    """What gathers within a quarter of a second is few transactions."""
    store = Entries()
    async with running(store) as trail:
        for number in range(BATCH + 5):
            trail.record(entry(number))
        assert not store.stored  # no request waits for it
        while len(store.stored) < BATCH + 5:
            store.written.clear()
            await asyncio.wait_for(store.written.wait(), 5)
    assert store.batches == [BATCH, 5]
    assert [one.agent_id for one in store.stored] == list(range(BATCH + 5))


async def test_an_outage_loses_no_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries wait while the database is away; each is written once, in order."""
    monkeypatch.setattr(audit_trail, "RETRY", 0.01)
    store = Entries(away=3)
    async with running(store) as trail:
        trail.record(entry(1))
        await asyncio.sleep(0)
        trail.record(entry(2))
        await asyncio.wait_for(store.written.wait(), 5)
    assert [one.agent_id for one in store.stored] == [1, 2]


async def test_a_process_that_ends_writes_what_is_left() -> None:
    """`close` writes the entries that have just been recorded."""
    store = Entries()
    async with running(store) as trail:
        trail.record(entry(1))
    await trail.close()
    assert [one.agent_id for one in store.stored] == [1]


async def test_waiting_entries_are_bounded() -> None:
    """Beyond the bound, entries are dropped and not the process's memory."""
    store = Entries()
    trail = AuditTrail(store, timedelta(days=90))
    for number in range(MAX_WAITING + 10):
        trail.record(entry(number))
    await trail.close()
    assert len(store.stored) == MAX_WAITING


async def test_old_entries_go_in_small_portions() -> None:
    """Entries older than the retention are deleted, a batch at a time, until none is left."""
    store = Entries(old=2 * BATCH + 1)
    async with running(store) as trail:
        trail.record(entry(1))
        await asyncio.wait_for(store.written.wait(), 5)
    assert store.old == 0
    assert store.before is not None
    assert datetime.now(UTC) - store.before > timedelta(days=89)
