"""PostgreSQL through psycopg2's asynchronous mode: no thread, one round trip for a unit of work.

A unit of work is sent as one simple query of several statements, which PostgreSQL runs as one
transaction and of which psycopg2 keeps the rows of the last (PostgreSQL's manual, "Multiple Statements in
a Simple Query").
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from datetime import UTC, datetime
from typing import Any, Final

import peewee
import psycopg2
from psycopg2 import errors, extensions

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.storage.postgres.connection import DEAD, NOT_APPLIED, STALE, Connection, brief
from agent_runtime.storage.schema.migrations import LATEST_VERSION, OUTDATED, applied_version
from agent_runtime.storage.sql.database import (
    PATIENCE,
    SCAN_PATIENCE,
    DuplicateError,
    Rows,
    naive_utc,
)
from agent_runtime.storage.sql.statements import Bind, Dialect, Step

logger = logging.getLogger(__name__)

# First key of our advisory locks, so that they meet nobody else's; the second is the agent's id.
LOCK_NAMESPACE: Final = 0x41524E54


class PostgresDatabase:
    """A pool of at most `pool_size` connections on the running event loop."""

    def __init__(self, url: str, *, pool_size: int, prepare: bool) -> None:
        self._parameters = connection_parameters(url, prepare=prepare)
        self._prepare = prepare
        self._idle: deque[Connection] = deque()
        self._closed = False
        self._places = asyncio.Semaphore(pool_size)
        # Reports of all agents at once leave the other places to sessions.
        self._scans = asyncio.Semaphore(max(1, pool_size // 4))
        self.dialect = Dialect(peewee.PostgresqlDatabase(None), "postgresql")
        self._lock = self.dialect.raw(
            f"SELECT pg_advisory_xact_lock({LOCK_NAMESPACE}, %s)", Bind("agent_id", "integer")
        )
        self._version = self.dialect.compile(applied_version())

    def lock(self, agent_id: int) -> tuple[Step, ...]:
        """An advisory lock until the end of the transaction."""
        return (self._lock.bind(agent_id=agent_id),)

    def moment(self, moment: datetime) -> datetime:
        """A timestamp without time zone."""
        return naive_utc(moment)

    def now(self) -> datetime:
        """By this machine's clock."""
        return self.moment(datetime.now(UTC))

    async def read(self, step: Step) -> Rows:
        """Rows of a short query."""
        return await self._run((step,), PATIENCE, retry=True)

    async def look(self, step: Step) -> Rows:
        """Rows of a query over all that live."""
        return await self._run((step,), PATIENCE, retry=True)

    async def scan(self, step: Step) -> Rows:
        """Rows of a long query."""
        try:
            async with asyncio.timeout(SCAN_PATIENCE), self._scans:
                return await self._run((step,), SCAN_PATIENCE, retry=True)
        except TimeoutError as error:
            raise StoreUnavailable(f"database: no answer within {SCAN_PATIENCE} s") from error

    async def write(self, *steps: Step) -> Rows:
        """One transaction. Sent twice only when the server said that it was not applied."""
        return await self._run(steps, PATIENCE, retry=False)

    async def check(self) -> None:
        """Ask for the version of our own tables."""
        rows = await self.read(self._version.bind())
        if rows[0][0] < LATEST_VERSION:
            raise StoreUnavailable(OUTDATED)

    async def close(self) -> None:
        """Close the idle connections; one in use closes when it is given back."""
        self._closed = True
        self._close_idle()

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()

    async def _run(self, steps: tuple[Step, ...], patience: float, *, retry: bool) -> Rows:
        try:
            async with asyncio.timeout(patience), self._places:
                try:
                    return await self._run_once(steps)
                except (*DEAD, *STALE) as error:
                    if not retry and not isinstance(error, NOT_APPLIED):
                        raise
                    logger.info("database connection lost, trying another: %s", brief(error))
                    # A server that ends one ends all, and the others may not have heard of it yet.
                    self._close_idle()
                    return await self._run_once(steps)
        except TimeoutError as error:
            raise StoreUnavailable(f"database: no answer within {patience} s") from error
        except errors.UniqueViolation as error:
            raise DuplicateError(brief(error)) from error
        except errors.UndefinedTable as error:
            raise StoreUnavailable(f"database: {brief(error)}; {OUTDATED}") from error
        except (*DEAD, *STALE, errors.ReadOnlySqlTransaction, OSError) as error:
            raise StoreUnavailable(f"database: {brief(error)}") from error

    async def _run_once(self, steps: tuple[Step, ...]) -> Rows:
        connection = await self._take()
        try:
            return await connection.run(steps)
        finally:
            self._give_back(connection)

    async def _take(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()  # the one used last, so that few are kept busy
            if connection.is_quiet():
                return connection
            connection.close()
        return await Connection.open(self._parameters, prepare=self._prepare)

    def _give_back(self, connection: Connection) -> None:
        # After a failed statement the transaction is rolled back and the connection fine; after a
        # lost or abandoned one it is neither.
        if connection.is_usable() and not self._closed:
            self._idle.append(connection)
        else:
            connection.close()


def connection_parameters(url: str, *, prepare: bool) -> dict[str, Any]:
    """The parameters of libpq that the URL holds. Raises ValueError when it is malformed."""
    try:
        parameters: dict[str, Any] = extensions.parse_dsn(url)
    except psycopg2.ProgrammingError as error:
        raise ValueError(
            f"database URL: {brief(error)}; use postgresql://user:password@host:port/name"
        ) from error
    if prepare:
        # What we gave up must not be applied much later. PgBouncer refuses this parameter.
        limit = f"-c statement_timeout={SCAN_PATIENCE * 1000:.0f}"
        parameters["options"] = f"{parameters.get('options', '')} {limit}".strip()
    return parameters
