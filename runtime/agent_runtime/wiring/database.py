"""The database that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_runtime.settings import Settings

if TYPE_CHECKING:
    from agent_runtime.storage import Database
    from agent_runtime.storage.repositories.keeping import Keeping


def keeping(settings: Settings) -> Keeping:
    """What is kept of callers. The pseudonyms come from a secret that API, worker and commands share."""
    from agent_runtime.storage.repositories.keeping import Keeping

    secret = settings.livekit.api_secret.get_secret_value()
    return Keeping(settings.privacy.tier, secret)


def open_database(settings: Settings, connections: int | None = None) -> Database:
    """Open it with at most DATABASE_POOL_SIZE connections; `connections` lowers that limit.

    Raises StoreUnavailable when an SQLite file cannot be made.
    """
    from agent_runtime.storage import open_database

    database = settings.database
    limit = database.pool_size if connections is None else min(connections, database.pool_size)
    return open_database(database.url, prepare=database.prepare, pool_size=limit)
