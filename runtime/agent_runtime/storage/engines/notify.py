"""By what the workers hear of a session as it is asked for."""

from __future__ import annotations

from agent_runtime.domain.ports.workers import DispatchListener, DispatchNotifier
from agent_runtime.storage.sql.database import Database
from agent_runtime.storage.sql.url import is_postgres, sqlite_path


def dispatch_notifier(
    database: Database, url: str, *, prepare: bool, key: str
) -> DispatchNotifier | None:
    """The bell of the workers that have LiveKit's `key`; none without prepared statements (PgBouncer)."""
    if not is_postgres(url):
        from agent_runtime.storage.sqlite.notify import SqliteNotifier, bell_folder

        return SqliteNotifier(bell_folder(sqlite_path(url)), key)
    if not prepare:
        return None
    from agent_runtime.storage.postgres.notify import PostgresNotifier

    return PostgresNotifier(database, key)


def dispatch_listener(url: str, *, prepare: bool, key: str) -> DispatchListener | None:
    """What hears that bell."""
    if not is_postgres(url):
        from agent_runtime.storage.sqlite.notify import SqliteListener, bell_folder

        return SqliteListener(bell_folder(sqlite_path(url)), key)
    if not prepare:
        return None
    from agent_runtime.storage.postgres.notify import PostgresListener

    return PostgresListener(url, key)
