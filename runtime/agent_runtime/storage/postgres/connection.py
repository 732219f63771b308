"""One connection to PostgreSQL in psycopg2's asynchronous mode.

A statement is prepared (PREPARE) at its first use on the connection, unless `prepare` is false: behind
PgBouncer's transaction pooling the next query may run on another server connection.
"""

from __future__ import annotations

import asyncio
import ipaddress
import select
import socket
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import psycopg2
from psycopg2 import errors
from psycopg2.extensions import POLL_OK, POLL_READ

from agent_runtime.storage.sql.database import Rows
from agent_runtime.storage.sql.statements import Bind, Statement, Step

# Errors of psycopg2 that come from the connection, not from the statement.
DEAD: Final = (psycopg2.OperationalError, psycopg2.InterfaceError)
# A prepared statement is out of date: a table was altered, or a pooler lent another server connection.
# A new connection prepares it afresh.
STALE: Final = (
    errors.FeatureNotSupported,
    errors.InvalidSqlStatementName,
    errors.DuplicatePreparedStatement,
)
# The server rejected the unit of work, or ended the connection instead of running it.
NOT_APPLIED: Final = (
    *STALE,
    errors.AdminShutdown,
    errors.CrashShutdown,
    errors.CannotConnectNow,
    errors.TooManyConnections,
)


class Connection:
    """Runs one unit of work at a time."""

    def __init__(self, connection: Any, *, prepare: bool) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._prepare = prepare
        self._prepared: set[str] = set()
        self._running = False
        self._stale = False

    @classmethod
    async def open(cls, parameters: Mapping[str, Any], *, prepare: bool) -> Self:
        """Connect with libpq's `parameters`. Raises one of DEAD, or OSError."""
        addresses = await _addresses(parameters)
        connection = psycopg2.connect(**{**parameters, **addresses}, async_=True)
        try:
            await _until_ready(connection)
            return cls(connection, prepare=prepare)
        except BaseException:
            connection.close()
            raise

    def is_usable(self) -> bool:
        """False when it is closed, a query on it was abandoned, or its prepared statements are in doubt."""
        return not (self._connection.closed or self._running or self._stale)

    def is_quiet(self) -> bool:
        """False when it is not usable, or the server has closed it or sent something unasked."""
        if not self.is_usable():
            return False
        socket_state = select.poll()  # select() knows no descriptor above 1023
        socket_state.register(self._connection, select.POLLIN)
        return not socket_state.poll(0)

    def close(self) -> None:
        """Close it, even while a query runs."""
        self._connection.close()

    async def run(self, steps: Sequence[Step]) -> Rows:
        """Run the steps as one transaction; returns the rows of the last."""
        if self._prepare:
            await self._prepare_new(steps)
            text = ";".join(_execute(step.statement) for step in steps)
        else:
            text = ";".join(step.statement.sql for step in steps)
        await self._query(text, [value for step in steps for value in step.values])
        return self._cursor.fetchall() if self._cursor.description else []

    async def execute(self, sql: str) -> Rows:
        """Run statements without values, unprepared; returns the rows of the last."""
        await self._query(sql, None)
        return self._cursor.fetchall() if self._cursor.description else []

    async def notifications(self) -> list[str]:
        """Wait for notifications after a LISTEN; returns their payloads. Raises one of DEAD."""
        while not self._connection.notifies:
            await _readable(self._connection.fileno())
            self._connection.poll()
        payloads = [one.payload for one in self._connection.notifies]
        self._connection.notifies.clear()
        return payloads

    async def _prepare_new(self, steps: Sequence[Step]) -> None:
        new = {
            step.statement.name: step.statement
            for step in steps
            if step.statement.name not in self._prepared
        }
        if new:
            # PREPARE is not undone when a later one fails: then only a new connection is in a known state.
            self._stale = True
            await self._query(";".join(map(_prepare, new.values())), None)
            self._stale = False
            self._prepared.update(new)

    async def _query(self, text: str, values: Sequence[Any] | None) -> None:
        self._running = True
        self._cursor.execute(text, values)
        try:
            await _until_ready(self._connection)
        except psycopg2.Error as error:
            self._running = False
            self._stale = self._stale or isinstance(error, STALE)
            raise
        self._running = False


def _prepare(statement: Statement) -> str:
    types = ", ".join(p.kind if isinstance(p, Bind) else "unknown" for p in statement.parameters)
    marks = tuple(f"${number}" for number in range(1, len(statement.parameters) + 1))
    return f"PREPARE {statement.name}{f'({types})' if types else ''} AS {statement.sql % marks}"


def _execute(statement: Statement) -> str:
    marks = ", ".join(["%s"] * len(statement.parameters))
    return f"EXECUTE {statement.name}{f'({marks})' if marks else ''}"


async def _addresses(parameters: Mapping[str, Any]) -> dict[str, str]:
    """The parameters with the hosts' addresses: libpq would block the loop while it resolves a name.

    Raises OSError when no host has an address.
    """
    if not parameters.get("host") or "hostaddr" in parameters:
        return {}
    hosts = parameters["host"].split(",")
    ports = str(parameters.get("port", "")).split(",")
    if len(ports) == 1:
        ports *= len(hosts)
    found: list[tuple[str, str, str]] = []  # host, address, port
    failure: OSError | None = None
    for host, port in zip(hosts, ports, strict=False):
        try:
            found += [(host, address, port) for address in await _resolved(host)]
        except OSError as error:
            failure = error  # another server of the cluster may have a name
    if failure is not None and not found:
        raise failure
    names, addresses, numbers = (",".join(part) for part in zip(*found, strict=True))
    return {"host": names, "hostaddr": addresses, "port": numbers}


async def _resolved(host: str) -> list[str]:
    """The addresses of one host; an empty text for a socket's folder, for which libpq needs none."""
    if not host or host.startswith(("/", "@")):
        return [""]
    try:
        ipaddress.ip_address(host)
    except ValueError:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(info[4][0]) for info in found))
    return [host]


async def _until_ready(connection: Any) -> None:
    """Wait for the running operation (psycopg2's documentation, "Asynchronous support")."""
    loop = asyncio.get_running_loop()
    while (state := connection.poll()) != POLL_OK:
        ready: asyncio.Future[None] = loop.create_future()
        descriptor = connection.fileno()
        reading = state == POLL_READ
        (loop.add_reader if reading else loop.add_writer)(descriptor, _set, ready)
        try:
            await ready
        finally:
            (loop.remove_reader if reading else loop.remove_writer)(descriptor)


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(descriptor, _set, ready)
    try:
        await ready
    finally:
        loop.remove_reader(descriptor)


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
