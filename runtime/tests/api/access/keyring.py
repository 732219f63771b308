"""Makes keys in the database of a running API, also such as no command would make."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from agent_runtime.domain.access.audit import AuditEntry
from agent_runtime.domain.access.keys import ApiKey, Scope, new_key
from agent_runtime.storage import StoredAudit, StoredKeys, open_database

DAY = timedelta(days=1)


def make_key(
    url: str,
    name: str,
    *,
    tenant: int | None = None,
    scopes: Collection[Scope] = (),
    age: timedelta = timedelta(0),
    expires: timedelta | None = None,
    revoked: bool = False,
) -> tuple[str, ApiKey]:
    """A key that was made `age` ago, and expired or expires after `expires`."""
    made = datetime.now(UTC) - age
    text, key = new_key(
        name,
        now=made,
        scopes=scopes,
        tenant_id=tenant,
        expires_at=None if expires is None else made + expires,
    )

    async def store() -> None:
        database = open_database(url, prepare=True, pool_size=1)
        try:
            await StoredKeys(database).create(key)
            if revoked:
                assert await StoredKeys(database).revoke(key.id, datetime.now(UTC))
        finally:
            await database.close()

    asyncio.run(store())
    return text, key


def revoke(url: str, key: ApiKey) -> None:
    """Revoke the key now."""

    async def store() -> None:
        database = open_database(url, prepare=True, pool_size=1)
        try:
            assert await StoredKeys(database).revoke(key.id, datetime.now(UTC))
        finally:
            await database.close()

    asyncio.run(store())


def audit(url: str) -> list[AuditEntry]:
    """All entries of the audit."""

    async def read() -> list[AuditEntry]:
        database = open_database(url, prepare=True, pool_size=1)
        try:
            return [entry for _, entry in await StoredAudit(database).read(None, 0, 10_000)]
        finally:
            await database.close()

    return asyncio.run(read())
