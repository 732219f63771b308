"""Keys and the audit in both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from agent_runtime.domain.access.audit import AuditEntry
from agent_runtime.domain.access.keys import (
    MAX_VALID_OF_A_NAME,
    ApiKey,
    Scope,
    TooManyKeys,
    new_key,
)
from agent_runtime.storage import Database, StoredAudit, StoredKeys

NOW = datetime(2026, 1, 31, 12, 0, 0, 5000, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def keys(database: Database) -> StoredKeys:
    """The keys of the database."""
    return StoredKeys(database)


@pytest.fixture
def audit(database: Database) -> StoredAudit:
    """The audit of the database."""
    return StoredAudit(database)


async def stored(keys: StoredKeys, name: str = "builder", **facts: object) -> ApiKey:
    """A new key, stored."""
    key = new_key(name, now=NOW, **facts)[1]  # type: ignore[arg-type]
    await keys.create(key)
    return key


async def test_a_key_comes_back_as_it_was_stored(keys: StoredKeys) -> None:
    """Every field survives, with and without tenant and expiry."""
    assert not await keys.exist()
    plain = await stored(keys)
    scopes = {Scope.AGENTS_READ, Scope.METRICS_READ}
    bound = await stored(keys, "tenant", scopes=scopes, tenant_id=3, expires_at=NOW + DAY)
    assert await keys.exist()
    assert sorted(await keys.all(), key=lambda key: key.name) == [plain, bound]


async def test_only_valid_keys_are_valid(keys: StoredKeys) -> None:
    """Revoked and expired keys stay in the list of all, and leave that of the valid ones."""
    plain = await stored(keys)
    revoked = await stored(keys)
    expiring = await stored(keys, "short", expires_at=NOW + DAY)
    assert await keys.revoke(revoked.id, NOW + DAY / 2)
    assert not await keys.revoke(revoked.id, NOW + DAY)  # once only
    assert not await keys.revoke("nobody", NOW)
    assert {key.id for key in await keys.valid(NOW)} == {plain.id, expiring.id}
    assert {key.id for key in await keys.valid(NOW + DAY)} == {plain.id}
    by_id = {key.id: key for key in await keys.all()}
    assert by_id[revoked.id].revoked_at == NOW + DAY / 2
    assert len(by_id) == 3


async def test_two_keys_of_a_name_are_valid_at_once(keys: StoredKeys, audit: StoredAudit) -> None:
    """Old and new key of a rotation are valid together; a third one is refused and leaves no trace."""
    first, *_ = [await stored(keys) for _ in range(MAX_VALID_OF_A_NAME)]
    with pytest.raises(TooManyKeys, match="builder"):
        await stored(keys)
    assert len(await audit.read(None, 0, 10)) == MAX_VALID_OF_A_NAME
    await stored(keys, "another")
    await keys.revoke(first.id, NOW)
    await stored(keys)


async def test_the_last_use_only_moves_on(keys: StoredKeys) -> None:
    """The day of the last use is kept, and an earlier one does not replace it."""
    key = await stored(keys)
    for day in (date(2026, 2, 1), date(2026, 2, 3), date(2026, 2, 2)):
        await keys.mark_used(key.id, day)
    ((found),) = await keys.all()
    assert found.last_used == date(2026, 2, 3)


async def test_commands_are_audited_with_their_change(keys: StoredKeys, audit: StoredAudit) -> None:
    """Making and revoking a key are in the audit as soon as they are done."""
    key = await stored(keys, tenant_id=3)
    await keys.revoke(key.id, NOW + DAY)
    await keys.revoke(key.id, NOW + 2 * DAY)  # changes nothing, so it has no entry
    assert [entry for _, entry in await audit.read(None, 0, 10)] == [
        AuditEntry(NOW, "cli", "keys create", "done", tenant_id=3, key_id=key.id),
        AuditEntry(NOW + DAY, "cli", "keys revoke", "done", key_id=key.id),
    ]


async def test_the_audit_is_read_in_pages_and_from_a_time_on(audit: StoredAudit) -> None:
    """Entries come back in order, a page at a time, from a moment on."""
    entries = [
        AuditEntry(NOW + n * DAY, "k", "endSession", "404", agent_id=7, session_id="s-1_x")
        for n in range(5)
    ]
    await audit.append(entries)
    page = await audit.read(NOW + DAY, 0, 2)
    assert [entry for _, entry in page] == entries[1:3]
    rest = await audit.read(NOW + DAY, page[-1][0], 10)
    assert [entry for _, entry in rest] == entries[3:]


async def test_old_entries_are_cleared_oldest_first(audit: StoredAudit) -> None:
    """Clearing deletes at most as many as asked, only old ones, and says how many."""
    await audit.append([AuditEntry(NOW + n * DAY, "k", "x", "200") for n in range(5)])
    assert await audit.clear(NOW + 3 * DAY, 2) == 2
    assert await audit.clear(NOW + 3 * DAY, 2) == 1
    assert await audit.clear(NOW + 3 * DAY, 2) == 0
    assert [entry.at for _, entry in await audit.read(None, 0, 10)] == [
        NOW + 3 * DAY,
        NOW + 4 * DAY,
    ]
