"""The leader lock: of all API processes of one namespace, one at a time supervises the sessions.

PostgreSQL: an advisory lock (its manual, "Advisory Locks") in a transaction that stays open on its own
connection. It also works behind PgBouncer, which lends a server connection to a whole transaction. The
server frees the lock when the connection ends; TCP keepalives end it when the machine is gone.
SQLite: a lock on a file beside the database (flock(2)), which the kernel frees with the process.
"""

from __future__ import annotations

import fcntl
import os
import zlib
from pathlib import Path
from typing import Final

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.domain.ports.workers import LeaderLock
from agent_runtime.domain.session import DEFAULT_NAMESPACE
from agent_runtime.storage.sql.url import is_postgres, sqlite_path

# Appended to the database's file name. Earlier versions lock the same file: with another name, two
# versions that run side by side during an update would both be leader.
SUFFIX: Final = "-guard"


def leader_lock(url: str, *, prepare: bool, namespace: str = DEFAULT_NAMESPACE) -> LeaderLock:
    """The leader lock of the namespace in the database at `url`; `prepare` as in `open_database`."""
    if is_postgres(url):
        from agent_runtime.storage.postgres.leader_lock import PostgresLeaderLock

        return PostgresLeaderLock(url, prepare=prepare, key=_key_of(namespace))
    return FileLeaderLock(sqlite_path(url), _key_of(namespace))


def _key_of(namespace: str) -> int:
    """A number for the namespace: 0, which earlier versions have for all, or one that no agent's id is."""
    if namespace == DEFAULT_NAMESPACE:
        return 0
    return -1 - (zlib.crc32(namespace.encode()) & 0x7FFFFFFE)


class FileLeaderLock:
    """Implements the port LeaderLock for an SQLite database."""

    def __init__(self, path: Path, key: int = 0) -> None:
        self._path = path.with_name(f"{path.name}{SUFFIX}{key or ''}")
        self._descriptor: int | None = None

    async def acquire(self) -> bool:
        """Try to take the lock, unless this process has it already; returns whether it does."""
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
        """Release the lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
