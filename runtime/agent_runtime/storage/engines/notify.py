"""By what the workers hear of a session as it is asked for."""

from __future__ import annotations

from agent_runtime.domain.ports.workers import Bell, Ear
from agent_runtime.storage.sql.database import Database
from agent_runtime.storage.sql.url import is_postgres, sqlite_path


def bell_of(database: Database, url: str, *, prepare: bool, key: str) -> Bell | None:
    """The bell of the workers that have LiveKit's `key`; none without prepared statements (PgBouncer)."""
    if not is_postgres(url):
        from agent_runtime.storage.sqlite.notify import SqliteBell, bell_folder

        return SqliteBell(bell_folder(sqlite_path(url)), key)
    if not prepare:
        return None
    from agent_runtime.storage.postgres.notify import PostgresBell

    return PostgresBell(database, key)


def ear_of(url: str, *, prepare: bool, key: str) -> Ear | None:
    """What hears that bell."""
    if not is_postgres(url):
        from agent_runtime.storage.sqlite.notify import SqliteEar, bell_folder

        return SqliteEar(bell_folder(sqlite_path(url)), key)
    if not prepare:
        return None
    from agent_runtime.storage.postgres.notify import PostgresEar

    return PostgresEar(url, key)
