"""Dispatch notifications: they reach the workers as soon as a session needs an agent."""

from __future__ import annotations

from agent_runtime.domain.ports.workers import DispatchListener, DispatchNotifier
from agent_runtime.domain.session import DEFAULT_NAMESPACE
from agent_runtime.storage.sql.database import Database
from agent_runtime.storage.sql.dispatch_notice import channel_name
from agent_runtime.storage.sql.url import is_postgres, sqlite_path


def dispatch_notifier(
    database: Database, url: str, *, prepare: bool, key: str, namespace: str = DEFAULT_NAMESPACE
) -> DispatchNotifier | None:
    """The notifier for the workers of the namespace that use LiveKit's API key `key`.

    None without `prepare`: nobody can listen through PgBouncer's transaction pooling.
    """
    channel = channel_name(key, namespace)
    if not is_postgres(url):
        from agent_runtime.storage.sqlite.notify import SqliteNotifier, socket_folder

        return SqliteNotifier(socket_folder(sqlite_path(url)), channel)
    if not prepare:
        return None
    from agent_runtime.storage.postgres.notify import PostgresNotifier

    return PostgresNotifier(database, channel)


def dispatch_listener(
    url: str, *, prepare: bool, key: str, namespace: str = DEFAULT_NAMESPACE
) -> DispatchListener | None:
    """The listener for those notifications; None without `prepare`, as above."""
    channel = channel_name(key, namespace)
    if not is_postgres(url):
        from agent_runtime.storage.sqlite.notify import SqliteListener, socket_folder

        return SqliteListener(socket_folder(sqlite_path(url)), channel)
    if not prepare:
        return None
    from agent_runtime.storage.postgres.notify import PostgresListener

    return PostgresListener(url, channel)
