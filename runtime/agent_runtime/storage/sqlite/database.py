"""SQLite: short reads on the event loop (they take microseconds), all writes through one thread.

The thread commits what is queued together: one fsync serves many writers. WAL lets readers go on beside
it; synchronous FULL means that what was acknowledged survives a power cut.
"""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import peewee

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.storage.schema.migrations import LATEST_VERSION, OUTDATED, applied_version
from agent_runtime.storage.sql.database import PATIENCE, Rows, naive_utc
from agent_runtime.storage.sql.statements import Dialect, Step
from agent_runtime.storage.sqlite.writer import SqliteWriter, translated


class SqliteDatabase:
    """The database in the file `path`; `embedded.make_embedded` has made it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        database = peewee.SqliteDatabase(None)
        self.dialect = Dialect(database, "sqlite")
        self._reader = connect(path)
        self._scanner = connect(path)
        self._scans = ThreadPoolExecutor(1, thread_name_prefix="sqlite-scan")
        self._looker = connect(path)
        self._looks = ThreadPoolExecutor(1, thread_name_prefix="sqlite-look")
        self._writer = SqliteWriter(lambda: connect(path))
        self._version = self.dialect.compile(applied_version())

    def lock(self, agent_id: int) -> tuple[Step, ...]:  # noqa: ARG002 - one writer at a time anyway
        """Nothing: BEGIN IMMEDIATE locks the whole database."""
        return ()

    def moment(self, moment: datetime) -> str:
        """Text that sorts as time does: what Peewee writes, and CURRENT_TIMESTAMP.

        Without a fraction when it is zero; a fraction makes the text longer, hence later.
        """
        return naive_utc(moment).isoformat(" ")

    def now(self) -> str:
        """By this machine's clock."""
        return self.moment(datetime.now(UTC))

    async def read(self, step: Step) -> Rows:
        """Rows of a short query."""
        return _fetch(self._reader, step)

    async def look(self, step: Step) -> Rows:
        """Rows of a query over all that live."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._looks, _fetch, self._looker, step)

    async def scan(self, step: Step) -> Rows:
        """Rows of a long query."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._scans, _fetch, self._scanner, step)

    async def write(self, *steps: Step) -> Rows:
        """One unit of work; returns when it is committed."""
        return await self._writer.submit(steps)

    async def check(self) -> None:
        """Ask for the version of our own tables."""
        rows = await self.read(self._version.bind())
        if rows[0][0] < LATEST_VERSION:
            raise StoreUnavailable(OUTDATED)

    async def close(self) -> None:
        """Write what is queued, then close."""
        await asyncio.to_thread(self._writer.close)
        for thread, connection in ((self._looks, self._looker), (self._scans, self._scanner)):
            thread.shutdown()
            connection.close()
        self._reader.close()


def connect(path: Path) -> sqlite3.Connection:
    """A connection with our settings; transactions are begun by hand."""
    connection = sqlite3.connect(
        path, timeout=PATIENCE, isolation_level=None, check_same_thread=False
    )
    # The journal's mode is a property of the file; these two are the connection's.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _fetch(connection: sqlite3.Connection, step: Step) -> Rows:
    try:
        return connection.execute(step.statement.sql, step.values).fetchall()
    except sqlite3.Error as error:
        raise translated(error) from error
