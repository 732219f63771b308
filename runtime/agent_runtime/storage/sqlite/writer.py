"""SQLite's only writer: a thread that commits the queued units of work together.

A commit waits for the disk. Meanwhile further units queue up, and the next commit takes all of them.
Each runs in a savepoint, so that a unit that fails leaves the others alone.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Final

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.storage.sql.database import DuplicateError, Rows
from agent_runtime.storage.sql.statements import Step

logger = logging.getLogger(__name__)

# Seconds without a write after which the write-ahead log is truncated: what was deleted is gone soon, and a
# burst of writes pays once.
SCRUB_PAUSE: Final = 1.0
# Units of one commit; more would delay the first of them.
LARGEST_GROUP: Final = 128

_UNIQUE: Final = {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY}

Outcome = Rows | Exception


@dataclass(frozen=True, slots=True)
class QueuedUnit:
    """The statements of one unit of work, and the future for the rows of the last."""

    steps: Sequence[Step]
    future: asyncio.Future[Rows]
    rewrites: bool = False  # VACUUM, which runs in no transaction


class SqliteWriter:
    """Owns the connection that writes. `submit` may be called from an event loop only."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._connection: sqlite3.Connection | None = None
        self._queue: SimpleQueue[QueuedUnit | None] = SimpleQueue()
        self._closed = False
        # Whether the write-ahead log may hold what was deleted since.
        self._scrubbing = False
        # A daemon, so that a process that ends without close() does not hang. Whatever it acknowledged
        # is on the disk by then.
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    def submit(self, steps: Sequence[Step]) -> asyncio.Future[Rows]:
        """Queue a unit of work; the future gets the rows of its last statement.

        Raises StoreUnavailable after close().
        """
        if self._closed:
            raise StoreUnavailable("SQLite: this process has closed the database")
        future: asyncio.Future[Rows] = asyncio.get_running_loop().create_future()
        self._queue.put(QueuedUnit(steps, future))
        return future

    def scrub(self) -> None:
        """Truncate the write-ahead log in the first second without a write."""
        self._scrubbing = True

    def rewrite(self) -> asyncio.Future[Rows]:
        """Write the whole file anew; the future is done when it is. Raises StoreUnavailable in it."""
        self._scrubbing = True
        future: asyncio.Future[Rows] = asyncio.get_running_loop().create_future()
        self._queue.put(QueuedUnit((), future, rewrites=True))
        return future

    def close(self) -> None:
        """Commit the queued units and end the thread; blocks until then."""
        self._closed = True
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        closing = False
        while not closing:
            group = self._next_group()
            units = [unit for unit in group if unit is not None]
            closing = len(units) < len(group)
            if written := [unit for unit in units if not unit.rewrites]:
                _deliver(written, self._commit(written))
            if rewriting := [unit for unit in units if unit.rewrites]:
                _deliver(rewriting, [self._rewrite()] * len(rewriting))
        if self._scrubbing:
            self._truncate_log()
        self._disconnect()

    def _next_group(self) -> list[QueuedUnit | None]:
        """Wait for a unit, and take those that are queued behind it; meanwhile truncate the log."""
        while True:
            try:
                group = [self._queue.get(timeout=SCRUB_PAUSE if self._scrubbing else None)]
            except Empty:
                self._truncate_log()
                continue
            while len(group) < LARGEST_GROUP and not self._queue.empty():
                group.append(self._queue.get())
            return group

    def _truncate_log(self) -> None:
        """Copy the log into the file and cut it to nothing, unless somebody reads in it just now."""
        try:
            if self._connection is None:
                self._connection = self._connect()
            waits = self._connection.execute("PRAGMA busy_timeout").fetchone()[0]
            self._connection.execute("PRAGMA busy_timeout = 0")
            try:
                busy = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            finally:
                self._connection.execute(f"PRAGMA busy_timeout = {waits}")
        except sqlite3.Error as error:
            logger.debug("write-ahead log not truncated yet: %s", error)
            self._disconnect()
        else:
            self._scrubbing = bool(busy)

    def _rewrite(self) -> Outcome:
        try:
            if self._connection is None:
                self._connection = self._connect()
            self._connection.execute("VACUUM")
        except sqlite3.Error as error:
            self._disconnect()
            return StoreUnavailable(f"SQLite: {error}")
        self._truncate_log()
        return ()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()  # rolls back an open transaction
            self._connection = None

    def _commit(self, units: Sequence[QueuedUnit]) -> list[Outcome]:
        try:
            if self._connection is None:
                self._connection = self._connect()
            self._connection.execute("BEGIN IMMEDIATE")
            outcomes = [_attempt(self._connection, unit.steps) for unit in units]
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._disconnect()
            return [StoreUnavailable(f"SQLite: {error}")] * len(units)
        return outcomes


def _attempt(connection: sqlite3.Connection, steps: Sequence[Step]) -> Outcome:
    connection.execute("SAVEPOINT unit")
    try:
        rows: Rows = ()
        for step in steps:
            rows = connection.execute(step.statement.sql, step.values).fetchall()
    except Exception as error:  # the thread lives on; the caller gets the error
        if not connection.in_transaction:
            raise  # SQLite rolled back the whole transaction, with the units before this one
        connection.execute("ROLLBACK TO unit")
        connection.execute("RELEASE unit")
        return translated(error)
    connection.execute("RELEASE unit")
    return rows


def translated(error: Exception) -> Exception:
    """The port's error for an error of the sqlite3 module; any other error stays as it is."""
    if isinstance(error, sqlite3.IntegrityError) and error.sqlite_errorcode in _UNIQUE:
        return DuplicateError(str(error))
    if isinstance(error, sqlite3.OperationalError) and _is_refusal(error):
        return error
    if isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError:
        return StoreUnavailable(f"SQLite: {error}")
    return error


def _is_refusal(error: sqlite3.OperationalError) -> bool:
    """Whether SQLite rejects the statement itself (no such column), so that a retry is useless.

    A missing table has the same code, and means that the database was not migrated.
    """
    return error.sqlite_errorcode == sqlite3.SQLITE_ERROR and "no such table" not in str(error)


def _deliver(units: Sequence[QueuedUnit], outcomes: Sequence[Outcome]) -> None:
    loop = units[0].future.get_loop()
    with suppress(RuntimeError):  # the loop was closed meanwhile: no caller waits any more
        loop.call_soon_threadsafe(_settle, units, outcomes)


def _settle(units: Sequence[QueuedUnit], outcomes: Sequence[Outcome]) -> None:
    for unit, outcome in zip(units, outcomes, strict=True):
        if unit.future.done():
            continue  # its caller was cancelled
        if isinstance(outcome, Exception):
            unit.future.set_exception(outcome)
        else:
            unit.future.set_result(outcome)
