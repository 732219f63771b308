"""Opens the database that a URL names."""

from __future__ import annotations

from agent_runtime.storage.sql.database import Database
from agent_runtime.storage.sql.url import is_postgres, sqlite_path
from agent_runtime.storage.sqlite.create import create_database


def open_database(url: str, *, prepare: bool = True, pool_size: int = 8) -> Database:
    """The database at `url`, for one event loop of one process.

    An SQLite file is created and migrated here. PostgreSQL is connected at the first use, so that a
    process can start while it is unreachable; without `prepare` no statement is prepared (PgBouncer in
    transaction mode cannot), and `pool_size` is the maximum of connections.
    Raises ValueError for an unusable URL, StoreUnavailable when the SQLite file cannot be created.
    """
    if is_postgres(url):
        from agent_runtime.storage.postgres.database import PostgresDatabase

        return PostgresDatabase(url, prepare=prepare, pool_size=pool_size)
    from agent_runtime.storage.sqlite.database import SqliteDatabase

    path = sqlite_path(url)
    create_database(path)
    return SqliteDatabase(path)
