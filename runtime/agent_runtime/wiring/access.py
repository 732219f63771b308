"""What the commands for keys and the audit need. Every function raises StoreUnavailable."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from agent_runtime.domain.access.keys import ApiKey, KeyNotFound, Scope, TooManyKeys, new_key
from agent_runtime.settings import Settings
from agent_runtime.wiring.database import open_database

if TYPE_CHECKING:
    from agent_runtime.domain.access.audit import AuditEntry
    from agent_runtime.storage import StoredKeys

# Entries of the audit that are read at once.
PAGE: Final = 1000


async def create_key(
    settings: Settings,
    name: str,
    scopes: Collection[Scope],
    tenant_id: int | None,
    expires_at: datetime | None,
) -> tuple[str, ApiKey]:
    """Make and store a key; returns its text and what is stored.

    Raises InvalidKeyError or TooManyKeys.
    """
    now = datetime.now(UTC)
    text, key = new_key(name, now=now, scopes=scopes, tenant_id=tenant_id, expires_at=expires_at)
    async with _keys(settings) as keys:
        await keys.create(key)
    return text, key


async def all_keys(settings: Settings) -> Sequence[ApiKey]:
    """Every key, the oldest first."""
    async with _keys(settings) as keys:
        return await keys.all()


async def revoke_key(settings: Settings, name_or_id: str) -> ApiKey:
    """Revoke the valid key of this id, or the only one of this name; returns it.

    Raises KeyNotFound, or TooManyKeys when two valid keys have the name.
    """
    now = datetime.now(UTC)
    async with _keys(settings) as keys:
        valid = await keys.valid(now)
        found = [key for key in valid if key.id == name_or_id]
        found = found or [key for key in valid if key.name == name_or_id]
        if not found:
            raise KeyNotFound(name_or_id)
        if len(found) > 1:
            ids = ", ".join(f"{key.id} of {key.created_at:%Y-%m-%d %H:%M}" for key in found)
            raise TooManyKeys(f"{len(found)} valid keys are named {name_or_id}; name an id: {ids}")
        if not await keys.revoke(found[0].id, now):
            raise KeyNotFound(name_or_id)  # another command was faster
        return found[0]


def keys_exist(settings: Settings) -> bool:
    """Whether any key was ever made: then the API requires one."""

    async def look() -> bool:
        async with _keys(settings) as keys:
            return await keys.exist()

    return asyncio.run(look())


async def read_audit(settings: Settings, since: datetime | None) -> AsyncIterator[AuditEntry]:
    """The entries since then, the oldest first."""
    from agent_runtime.storage import StoredAudit

    database = open_database(settings, 1)
    try:
        audit, last = StoredAudit(database), 0
        while page := await audit.read(since, last, PAGE):
            for number, entry in page:
                yield entry
                last = number
    finally:
        await database.close()


@asynccontextmanager
async def _keys(settings: Settings) -> AsyncIterator[StoredKeys]:
    from agent_runtime.storage import StoredKeys

    database = open_database(settings, 1)
    try:
        yield StoredKeys(database)
    finally:
        await database.close()
