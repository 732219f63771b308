"""PostgreSQL through psycopg2's asynchronous mode: no thread, one round trip for a unit of work.

A unit of work is sent as one simple query of several statements. PostgreSQL runs them as one transaction
(its manual, "Multiple Statements in a Simple Query"), and psycopg2 keeps the rows of the last.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from datetime import UTC, datetime
from typing import Any, Final

import psycopg2
from psycopg2 import errors

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.storage.postgres.connection import DEAD, NOT_APPLIED, STALE, Connection
from agent_runtime.storage.postgres.errors import brief
from agent_runtime.storage.schema.migrations import LATEST_VERSION, OUTDATED, applied_version
from agent_runtime.storage.sql.compiled import CompiledOnce
from agent_runtime.storage.sql.database import (
    SCAN_TIMEOUT,
    STATEMENT_TIMEOUT,
    DuplicateError,
    Rows,
    StatementRefused,
    UnstorableError,
)
from agent_runtime.storage.sql.dialects import POSTGRESQL
from agent_runtime.storage.sql.postgres_url import read_postgres_url
from agent_runtime.storage.sql.statements import Bind, Step
from agent_runtime.storage.sql.times import naive_utc

logger = logging.getLogger(__name__)

# First key of the runtime's advisory locks, which keeps them apart from those of other programs; the
# second key is an agent's id. The number is "ARNT" in ASCII, the same in every version.
LOCK_NAMESPACE: Final = 0x41524E54

# A character that the database's encoding lacks; a column that counts bytes, as in SQL_ASCII.
UNSTORABLE: Final = (
    errors.UntranslatableCharacter,
    errors.CharacterNotInRepertoire,
    errors.StringDataRightTruncation,
)

_LOCK: Final = POSTGRESQL.raw(
    f"SELECT pg_advisory_xact_lock({LOCK_NAMESPACE}, %s)", Bind("agent_id", "integer")
)


class PostgresDatabase:
    """A pool of at most `pool_size` connections on the running event loop."""

    def __init__(self, url: str, *, pool_size: int, prepare: bool) -> None:
        self._parameters = connection_parameters(url, prepare=prepare)
        self._prepare = prepare
        self._idle: deque[Connection] = deque()
        self._closed = False
        self._slots = asyncio.Semaphore(pool_size)
        # At most a quarter of the connections run scans, such as metrics; the rest serve sessions.
        self._scans = asyncio.Semaphore(max(1, pool_size // 4))
        self.dialect = POSTGRESQL

    def lock(self, agent_id: int) -> tuple[Step, ...]:
        """An advisory lock on the agent until the end of the transaction."""
        return (_LOCK.bind(agent_id=agent_id),)

    def moment(self, moment: datetime) -> datetime:
        """A timestamp without time zone."""
        return naive_utc(moment)

    def now(self) -> datetime:
        """The time by this machine's clock."""
        return self.moment(datetime.now(UTC))

    async def read(self, step: Step) -> Rows:
        """Rows of a short query."""
        return await self._run((step,), STATEMENT_TIMEOUT, retry=True)

    async def read_live(self, step: Step) -> Rows:
        """Rows of a query over all live sessions or workers."""
        return await self._run((step,), STATEMENT_TIMEOUT, retry=True)

    async def scan(self, step: Step) -> Rows:
        """Rows of a long query."""
        try:
            async with asyncio.timeout(SCAN_TIMEOUT), self._scans:
                return await self._run((step,), SCAN_TIMEOUT, retry=True)
        except TimeoutError as error:
            raise StoreUnavailable(f"database: no answer within {SCAN_TIMEOUT} s") from error

    async def write(self, *steps: Step) -> Rows:
        """Run one transaction. It is sent again only when the server has not applied it for certain."""
        return await self._run(steps, STATEMENT_TIMEOUT, retry=False)

    def scrub(self) -> None:
        """Nothing: VACUUM frees what deleted rows took."""

    async def rewrite(self) -> None:
        """Nothing, as above."""

    _version = CompiledOnce(applied_version)

    async def check(self) -> None:
        """Compare the version of the runtime's tables with the latest."""
        rows = await self.read(self._version.bind())
        if rows[0][0] < LATEST_VERSION:
            raise StoreUnavailable(OUTDATED)

    async def close(self) -> None:
        """Close the idle connections; one in use is closed after its query."""
        self._closed = True
        self._close_idle()

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()

    async def _run(self, steps: tuple[Step, ...], timeout: float, *, retry: bool) -> Rows:
        try:
            async with asyncio.timeout(timeout), self._slots:
                try:
                    return await self._run_once(steps)
                except (*DEAD, *STALE) as error:
                    if not retry and not isinstance(error, NOT_APPLIED):
                        raise
                    logger.info("database connection lost, trying another: %s", brief(error))
                    # A server that ends one connection ends all, and the others may not have noticed yet.
                    self._close_idle()
                    return await self._run_once(steps)
        except TimeoutError as error:
            raise StoreUnavailable(f"database: no answer within {timeout} s") from error
        except UNSTORABLE:
            raise UnstorableError(
                f"the database cannot store a text of the request; {UnstorableError.remedy}"
            ) from None
        # None: the server's own errors quote values of rows, and would stand in a traceback as the cause.
        except errors.UniqueViolation as error:
            raise DuplicateError(brief(error)) from None
        except errors.UndefinedTable as error:
            raise StoreUnavailable(f"database: {brief(error)}; {OUTDATED}") from None
        except (*DEAD, *STALE, errors.ReadOnlySqlTransaction, OSError) as error:
            raise StoreUnavailable(f"database: {brief(error)}") from None
        except psycopg2.Error as error:
            raise StatementRefused(f"database: {brief(error)}") from None

    async def _run_once(self, steps: tuple[Step, ...]) -> Rows:
        connection = await self._take()
        try:
            return await connection.run(steps)
        finally:
            self._give_back(connection)

    async def _take(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()  # the last one used, so that few connections stay in use
            if connection.is_quiet():
                return connection
            connection.close()
        return await Connection.open(self._parameters, prepare=self._prepare)

    def _give_back(self, connection: Connection) -> None:
        # A failed statement leaves the connection usable, with its transaction rolled back; a lost or an
        # abandoned one does not.
        if connection.is_usable() and not self._closed:
            self._idle.append(connection)
        else:
            connection.close()


def connection_parameters(url: str, *, prepare: bool) -> dict[str, Any]:
    """The parameters of libpq in the URL. Raises ValueError when it is malformed."""
    parameters: dict[str, Any] = dict(read_postgres_url(url).parameters)
    if prepare:
        # A statement that was given up must not be applied much later. PgBouncer rejects this parameter.
        limit = f"-c statement_timeout={SCAN_TIMEOUT * 1000:.0f}"
        parameters["options"] = f"{parameters.get('options', '')} {limit}".strip()
    return parameters
