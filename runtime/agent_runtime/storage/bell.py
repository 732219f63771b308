"""Which database has a bell."""

from __future__ import annotations

from agent_runtime.domain.ports import Bell, Ear
from agent_runtime.storage.database import Database
from agent_runtime.storage.opening import is_postgres


def bell_of(database: Database, url: str, *, prepare: bool, key: str) -> Bell | None:
    """The bell of the workers that have LiveKit's `key`; None without one."""
    if not (prepare and is_postgres(url)):
        return None
    from agent_runtime.storage.postgres_bell import PostgresBell

    return PostgresBell(database, key)


def ear_of(url: str, *, prepare: bool, key: str) -> Ear | None:
    """What hears that bell."""
    if not (prepare and is_postgres(url)):
        return None
    from agent_runtime.storage.postgres_bell import PostgresEar

    return PostgresEar(url, key)
