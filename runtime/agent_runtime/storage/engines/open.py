"""Which database a URL means."""

from __future__ import annotations

from agent_runtime.storage.sql.database import Database
from agent_runtime.storage.sql.url import is_postgres, sqlite_path
from agent_runtime.storage.sqlite.create import make_embedded


def open_database(url: str, *, prepare: bool = True, pool_size: int = 8) -> Database:
    """The database at `url`, to be used from one event loop of one process.

    An SQLite file is made and brought up to date here. PostgreSQL is connected to when it is first
    needed, so that a process can start while it is away; `prepare` False does without prepared
    statements (PgBouncer in transaction mode has none), `pool_size` is the most connections.
    Raises ValueError for a URL of no use, StoreUnavailable when the SQLite file cannot be made.
    """
    if is_postgres(url):
        from agent_runtime.storage.postgres.database import PostgresDatabase

        return PostgresDatabase(url, prepare=prepare, pool_size=pool_size)
    from agent_runtime.storage.sqlite.database import SqliteDatabase

    path = sqlite_path(url)
    make_embedded(path)
    return SqliteDatabase(path)
