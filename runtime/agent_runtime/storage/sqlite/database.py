"""SQLite: short reads on the event loop (they take microseconds), all writes through one thread.

The thread commits queued writes together: one fsync serves many writers. In WAL mode readers go on
beside it; with synchronous FULL an acknowledged write survives a power cut.
"""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.storage.schema.migrations import LATEST_VERSION, OUTDATED, applied_version
from agent_runtime.storage.sql.compiled import CompiledOnce
from agent_runtime.storage.sql.database import STATEMENT_TIMEOUT, Rows
from agent_runtime.storage.sql.dialects import SQLITE
from agent_runtime.storage.sql.statements import Step
from agent_runtime.storage.sql.times import naive_utc
from agent_runtime.storage.sqlite.writer import SqliteWriter, translated


class SqliteDatabase:
    """The database in the file `path`, which `create.create_database` has created."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.dialect = SQLITE
        self._reader = connect(path)
        self._scanner = connect(path)
        self._scans = ThreadPoolExecutor(1, thread_name_prefix="sqlite-scan")
        self._live_reader = connect(path)
        self._live_reads = ThreadPoolExecutor(1, thread_name_prefix="sqlite-live")
        self._writer = SqliteWriter(lambda: connect(path))

    def lock(self, agent_id: int) -> tuple[Step, ...]:  # noqa: ARG002 - one writer at a time anyway
        """Nothing: BEGIN IMMEDIATE locks the whole database."""
        return ()

    def moment(self, moment: datetime) -> str:
        """The time as text that sorts like the time: the format of Peewee and of CURRENT_TIMESTAMP.

        A zero fraction is left out; any other makes the text longer, hence later.
        """
        return naive_utc(moment).isoformat(" ")

    def now(self) -> str:
        """The time by this machine's clock."""
        return self.moment(datetime.now(UTC))

    async def read(self, step: Step) -> Rows:
        """Rows of a short query."""
        return _fetch(self._reader, step)

    async def read_live(self, step: Step) -> Rows:
        """Rows of a query over all live sessions or workers."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._live_reads, _fetch, self._live_reader, step)

    async def scan(self, step: Step) -> Rows:
        """Rows of a long query."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._scans, _fetch, self._scanner, step)

    async def write(self, *steps: Step) -> Rows:
        """Run one unit of work; returns when it is committed."""
        return await self._writer.submit(steps)

    def scrub(self) -> None:
        """Truncate the write-ahead log as soon as no write waits."""
        self._writer.scrub()

    async def rewrite(self) -> None:
        """VACUUM, which also overwrites what earlier versions deleted without erasing it."""
        await self._writer.rewrite()

    _version = CompiledOnce(applied_version)

    async def check(self) -> None:
        """Compare the version of the runtime's tables with the latest."""
        rows = await self.read(self._version.bind())
        if rows[0][0] < LATEST_VERSION:
            raise StoreUnavailable(OUTDATED)

    async def close(self) -> None:
        """Commit the queued writes, then close every connection."""
        await asyncio.to_thread(self._writer.close)
        for thread, connection in (
            (self._live_reads, self._live_reader),
            (self._scans, self._scanner),
        ):
            thread.shutdown()
            connection.close()
        self._reader.close()


def connect(path: Path) -> sqlite3.Connection:
    """A connection with the runtime's settings; it begins no transaction on its own."""
    connection = sqlite3.connect(
        path, timeout=STATEMENT_TIMEOUT, isolation_level=None, check_same_thread=False
    )
    # The journal mode is a property of the file; these are properties of the connection.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    # Overwrite what is deleted: a key of an agent must not outlive it in a free page.
    connection.execute("PRAGMA secure_delete = ON")
    return connection


def _fetch(connection: sqlite3.Connection, step: Step) -> Rows:
    try:
        return connection.execute(step.statement.sql, step.values).fetchall()
    except sqlite3.Error as error:
        raise translated(error) from error
