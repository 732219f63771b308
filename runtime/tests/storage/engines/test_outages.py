"""A process survives every outage of its PostgreSQL server."""

from __future__ import annotations

import asyncio
import os
import resource
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest

from agent_runtime.domain.agents.agent import Registration
from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.domain.session import new_session
from agent_runtime.storage import Database, RegisteredAgents, StoredSessions, open_database
from agent_runtime.storage.postgres.connection import Connection
from agent_runtime.storage.schema.development import create_schema
from fixtures.servers.postgres import PostgresProcess
from runtime.tests.storage.dashboard import execute

from .silent_proxy import SilentProxy

pytestmark = pytest.mark.services

# Seconds in which an outage must be reported: the API promises one, and a busy machine may take longer.
SOON = 1.5


@pytest.fixture
def server() -> Iterator[PostgresProcess]:
    """A server of this test's own, which the test may stop."""
    with PostgresProcess() as process:
        create_schema(process.url)
        yield process


@pytest.fixture
async def database(server: PostgresProcess) -> AsyncIterator[Database]:
    """The database on that server."""
    opened = open_database(server.url)
    yield opened
    await opened.close()


async def create(sessions: StoredSessions) -> str:
    """Create a session of agent 7; returns its id."""
    session = new_session(7, 1, "")
    await sessions.create(session)
    return session.session_id


async def assert_unavailable_soon(sessions: StoredSessions) -> None:
    """Concurrent reads and writes raise StoreUnavailable within a second."""
    begun = time.monotonic()
    outcomes = await asyncio.gather(
        *(sessions.get("any") for _ in range(20)),
        *(create(sessions) for _ in range(20)),
        return_exceptions=True,
    )
    assert time.monotonic() - begun < SOON
    assert {type(outcome) for outcome in outcomes} == {StoreUnavailable}


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_restart_under_load_is_survived(
    server: PostgresProcess, agents: RegisteredAgents, sessions: StoredSessions, mode: str
) -> None:
    """After a restart of the server every acknowledged session is stored and service resumes by itself."""
    await agents.register(Registration(7, 1, {}, 100_000))
    acknowledged: asyncio.Queue[str] = asyncio.Queue()
    stopping = asyncio.Event()

    async def load() -> None:
        while not stopping.is_set():
            try:
                acknowledged.put_nowait(await create(sessions))
            except StoreUnavailable:
                await asyncio.sleep(0.01)  # a client that tries again

    async with asyncio.TaskGroup() as writers, asyncio.timeout(60):
        for _ in range(8):
            writers.create_task(load())
        known = [await acknowledged.get() for _ in range(50)]
        await asyncio.to_thread(server.stop, mode)
        await assert_unavailable_soon(sessions)
        while not acknowledged.empty():
            known.append(acknowledged.get_nowait())
        await asyncio.to_thread(server.start)
        known += [await acknowledged.get() for _ in range(50)]
        stopping.set()
    while not acknowledged.empty():
        known.append(acknowledged.get_nowait())
    stored = {session.session_id for session in await sessions.live_sessions()}
    assert set(known) <= stored
    assert (await agents.status(7)).active_sessions == len(stored)


async def test_silent_server_is_away(server: PostgresProcess) -> None:
    """A network that drops every packet is noticed within a second, and so is its recovery."""
    parts = urlsplit(server.url)
    assert parts.hostname is not None
    assert parts.port is not None
    async with SilentProxy(parts.hostname, parts.port) as proxy:
        database = open_database(server.url.replace(f":{parts.port}/", f":{proxy.port}/"))
        sessions = StoredSessions(database)
        assert await sessions.get("any") is None
        proxy.talking.clear()
        await assert_unavailable_soon(sessions)
        with pytest.raises(StoreUnavailable):
            await database.check()
        proxy.talking.set()
        assert await sessions.get("any") is None
        await database.close()


async def test_killed_connections_are_not_noticed(
    server: PostgresProcess, agents: RegisteredAgents, sessions: StoredSessions
) -> None:
    """Reads and writes succeed after the server has ended every idle connection."""
    await agents.register(Registration(7, 1, {}, 1000))
    admin = psycopg2.connect(server.url)
    admin.autocommit = True
    for _ in range(10):
        await asyncio.gather(*(create(sessions) for _ in range(8)))
        with admin.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
        await asyncio.gather(
            *(create(sessions) for _ in range(4)), *(sessions.get("any") for _ in range(4))
        )
    admin.close()


async def test_one_ended_connection_discards_all_idle_ones(
    server: PostgresProcess, sessions: StoredSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After one ended connection a read uses a new one, though the other idle ones still look usable."""
    monkeypatch.setattr(Connection, "is_quiet", Connection.is_usable)
    await asyncio.gather(*(sessions.get("any") for _ in range(8)))
    execute(
        server.url,
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
    )
    assert await sessions.get("any") is None


async def test_process_may_start_before_its_database(server: PostgresProcess) -> None:
    """Opening does not connect: the first use does, and raises StoreUnavailable without a server."""
    await asyncio.to_thread(server.stop)
    database = open_database(server.url)
    with pytest.raises(StoreUnavailable):
        await database.check()
    await asyncio.to_thread(server.start)
    await database.check()
    await database.close()


async def test_abandoned_requests_leave_the_database_usable(
    agents: RegisteredAgents, sessions: StoredSessions
) -> None:
    """Writes that are cancelled halfway leave correct answers for every other caller."""
    await agents.register(Registration(7, 1, {}, 1000))
    for number in range(30):
        task = asyncio.create_task(create(sessions))
        await asyncio.sleep(number / 10_000)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert await sessions.get("any") is None
    live = await sessions.live_sessions()
    assert (await agents.status(7)).active_sessions == len(live)


async def test_tables_may_be_migrated_later(server: PostgresProcess) -> None:
    """A process that started on an unmigrated database works as soon as it is migrated."""
    execute(server.url, "ALTER TABLE runtime_live_sessions RENAME TO not_yet")
    database = open_database(server.url, pool_size=1)
    sessions = StoredSessions(database)
    await RegisteredAgents(database, sessions).register(Registration(7, 1, {}, 10))
    with pytest.raises(StoreUnavailable, match="agent-runtime db migrate"):
        await create(sessions)
    execute(server.url, "ALTER TABLE not_yet RENAME TO runtime_live_sessions")
    assert await sessions.get(await create(sessions)) is not None
    await database.close()


async def test_owner_may_alter_a_table(server: PostgresProcess) -> None:
    """Statements are prepared afresh after the owner has altered a table."""
    database = open_database(server.url, pool_size=1)
    agents = RegisteredAgents(database, StoredSessions(database))
    assert await agents.agent_row(1) is None
    execute(server.url, "ALTER TABLE agents ALTER description TYPE varchar(255)")
    assert await agents.agent_row(1) is None
    await database.close()


async def test_read_only_server_is_unavailable(server: PostgresProcess) -> None:
    """Writes on a standby server, as after a failover, raise StoreUnavailable."""
    execute(server.url, "ALTER DATABASE postgres SET default_transaction_read_only = on")
    database = open_database(server.url)
    with pytest.raises(StoreUnavailable, match="read-only"):
        await StoredSessions(database).set_participant_count("any", 1)
    await database.close()


async def test_many_open_files(server: PostgresProcess) -> None:
    """A process with more than a thousand open files still reuses its connections."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with ExitStack() as files:
        for _ in range(1100):
            files.callback(os.close, os.dup(0))
        database = open_database(server.url)
        for _ in range(3):
            await database.check()
        await database.close()


async def test_host_is_looked_up_off_the_loop(
    server: PostgresProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event loop resolves the host's name: libpq would block the process while it waits."""
    resolved = []
    loop = asyncio.get_running_loop()
    resolve = loop.getaddrinfo

    async def getaddrinfo(host: str, *arguments: Any, **options: Any) -> Any:
        resolved.append(host)
        return await resolve(host, *arguments, **options)

    monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
    database = open_database(server.url.replace("127.0.0.1", "localhost"))
    await database.check()
    await database.close()
    assert resolved == ["localhost"]


@pytest.mark.parametrize("prepare", [True, False])
async def test_options_of_the_url_are_kept(server: PostgresProcess, prepare: bool) -> None:
    """Options in the URL reach the server; without `prepare` none is added that PgBouncer rejects."""
    database = open_database(f"{server.url}?options=-c%20application_name%3Dmine", prepare=prepare)
    setting = database.dialect.raw(
        "SELECT current_setting('application_name'), current_setting('statement_timeout')"
    )
    assert await database.read(setting.bind()) == [("mine", "10s" if prepare else "0")]
    await database.close()
