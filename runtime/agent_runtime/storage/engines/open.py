"""Which database a URL means."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from agent_runtime.storage.sql.database import Database
from agent_runtime.storage.sqlite.create import make_embedded

_FORMS = (
    "use sqlite:///relative/path, sqlite:////absolute/path or postgresql://user:password@host/name"
)


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


def is_postgres(url: str) -> bool:
    """Whether the URL names a PostgreSQL database."""
    return url.startswith(("postgresql://", "postgres://"))


def sqlite_path(url: str) -> Path:
    """The file of an sqlite:/// URL. Raises ValueError with the forms that are understood."""
    parts = urlsplit(url)
    if parts.scheme != "sqlite":
        raise ValueError(f"database URL of unknown kind {parts.scheme!r}: {_FORMS}")
    name = unquote(parts.path.removeprefix("/"))
    if parts.netloc or not name:
        raise ValueError(f"database URL without a file: {_FORMS}")
    if name == ":memory:":
        raise ValueError(
            f"an SQLite database in memory cannot be shared between processes: {_FORMS}"
        )
    if parts.query or parts.fragment:
        raise ValueError(f"options after the file of an SQLite URL are not understood: {_FORMS}")
    return Path(name)
