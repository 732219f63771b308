"""Dispatch notifications: they reach the workers as soon as a session needs an agent."""

from __future__ import annotations

from agent_runtime.domain.ports.workers import DispatchListener, DispatchNotifier
from agent_runtime.storage.sql.database import Database
from agent_runtime.storage.sql.url import is_postgres, sqlite_path


def dispatch_notifier(
    database: Database, url: str, *, prepare: bool, key: str
) -> DispatchNotifier | None:
    """The notifier for the workers that use LiveKit's API key `key`.

    None without `prepare`: nobody can listen through PgBouncer's transaction pooling.
    """
    if not is_postgres(url):
        from agent_runtime.storage.sqlite.notify import SqliteNotifier, socket_folder

        return SqliteNotifier(socket_folder(sqlite_path(url)), key)
    if not prepare:
        return None
    from agent_runtime.storage.postgres.notify import PostgresNotifier

    return PostgresNotifier(database, key)


def dispatch_listener(url: str, *, prepare: bool, key: str) -> DispatchListener | None:
    """The listener for those notifications; None without `prepare`, as above."""
    if not is_postgres(url):
        from agent_runtime.storage.sqlite.notify import SqliteListener, socket_folder

        return SqliteListener(socket_folder(sqlite_path(url)), key)
    if not prepare:
        return None
    from agent_runtime.storage.postgres.notify import PostgresListener

    return PostgresListener(url, key)
