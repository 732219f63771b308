"""Of all processes on one database, one at a time may act as the watcher.

PostgreSQL: an advisory lock (its manual, "Advisory Locks") in a transaction that stays open on a
connection of its own; also behind PgBouncer, which hands a server connection to a whole transaction.
The server frees the lock when the connection ends; TCP keepalives end it when the machine is gone.
SQLite: a lock on a file beside the database (flock(2)), which the kernel frees with the process.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.domain.ports.workers import LeaderLock
from agent_runtime.storage.sql.url import is_postgres, sqlite_path


def leader_lock(url: str, *, prepare: bool) -> LeaderLock:
    """The guard of the database at `url`."""
    if is_postgres(url):
        from agent_runtime.storage.postgres.leader_lock import PostgresLeaderLock

        return PostgresLeaderLock(url, prepare=prepare)
    return FileLeaderLock(sqlite_path(url))


class FileLeaderLock:
    """SQLite's."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + "-guard")
        self._descriptor: int | None = None

    async def acquire(self) -> bool:
        """Try once; once had, it stays."""
        if self._descriptor is not None:
            return True
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnavailable(f"SQLite: {self._path}: {error}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    async def close(self) -> None:
        """Give it up."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
