"""Dispatch notifications over a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import psycopg2
import pytest

from agent_runtime.storage import dispatch_listener, dispatch_notifier, open_database
from agent_runtime.storage.postgres.notify import PAUSE, PostgresListener, PostgresNotifier
from agent_runtime.storage.sql.dispatch_notice import channel_name


@pytest.fixture
async def notifier(empty_postgres: str) -> AsyncIterator[PostgresNotifier]:
    """The notifier for the workers with the API key "key"."""
    database = open_database(empty_postgres, pool_size=2)
    yield PostgresNotifier(database, channel_name("key"))
    await database.close()


@asynccontextmanager
async def listening(url: str, key: str = "key") -> AsyncIterator[asyncio.Queue[str]]:
    """The notices that a listener receives, once the server knows that it listens."""
    received: asyncio.Queue[str] = asyncio.Queue()

    async def listen() -> None:
        async for notice in PostgresListener(url, channel_name(key)).notices():
            received.put_nowait(notice)

    task = asyncio.create_task(listen())
    try:
        await asyncio.to_thread(_send_first, url, key)
        while await received.get() != "first":
            pass
        yield received
    finally:
        task.cancel()
        await asyncio.wait([task])


def _send_first(url: str, key: str) -> None:
    """Send a notice once the server shows an idle connection that listens: LISTEN has no other effect."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for _ in range(100):
                cursor.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                    "AND query = %s AND state = 'idle'",
                    [f"LISTEN {channel_name(key)}"],
                )
                if cursor.fetchone() == (1,):
                    break
                cursor.execute("SELECT pg_sleep(0.05)")
            cursor.execute("SELECT pg_notify(%s, %s)", [channel_name(key), "first"])


async def test_notices_arrive_in_order(notifier: PostgresNotifier, empty_postgres: str) -> None:
    """A listener receives the notices unchanged and in order."""
    async with listening(empty_postgres) as received:
        notices = [f"session-{number}" for number in range(30)]
        for notice in notices:
            notifier.notify(notice)
        async with asyncio.timeout(10):
            assert [await received.get() for _ in notices] == notices


async def test_workers_of_another_livekit_are_not_notified(
    notifier: PostgresNotifier, empty_postgres: str
) -> None:
    """A worker with another API key gets no notice: it would claim a session whose room it cannot join."""
    async with listening(empty_postgres) as ours, listening(empty_postgres, "other") as others:
        notifier.notify("id")
        async with asyncio.timeout(10):
            assert await ours.get() == "id"
        assert others.empty()


async def test_a_forged_notice_names_no_room(
    notifier: PostgresNotifier, empty_postgres: str
) -> None:
    """A NOTIFY of a stranger with a room and metadata of its own is ignored, and the next one arrives."""
    async with listening(empty_postgres) as received:
        with closing(psycopg2.connect(empty_postgres)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                for forged in ('["agent-9-room","{\\"agentId\\":9}"]', "", "a b", "x" * 65):
                    cursor.execute("SELECT pg_notify(%s, %s)", [channel_name("key"), forged])
        notifier.notify("id")
        async with asyncio.timeout(10):
            assert await received.get() == "id"


def test_workers_of_another_namespace_are_not_notified() -> None:
    """A deployment with the same LiveKit key and another namespace has a channel of its own."""
    assert channel_name("key", "livekit") == channel_name("key")
    assert channel_name("key", "other") != channel_name("key")


async def test_listener_reconnects(notifier: PostgresNotifier, empty_postgres: str) -> None:
    """A listener whose connection the server has ended receives notices again."""
    async with listening(empty_postgres) as received:
        with closing(psycopg2.connect(empty_postgres)) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'"
            )
        await asyncio.sleep(PAUSE)
        async with asyncio.timeout(10):
            while received.empty():
                notifier.notify("id")
                await asyncio.sleep(0.1)


async def test_outage_of_the_database_raises_nothing() -> None:
    """Without a database the notice is lost, notify() returns, and the listener keeps trying."""
    url = "postgresql://nobody@127.0.0.1:1/nothing"
    database = open_database(url)
    dispatch_notifier(database, url, prepare=True, key="key").notify("id")  # type: ignore[union-attr]
    listener = dispatch_listener(url, prepare=True, key="key")
    assert listener is not None
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(PAUSE * 2):
            await anext(listener.notices())


async def test_there_are_no_notifications_through_pgbouncer() -> None:
    """Without `prepare` there is neither a notifier nor a listener: PgBouncer does not support LISTEN."""
    url = "postgresql://u@127.0.0.1/n"
    assert dispatch_notifier(open_database(url), url, prepare=False, key="key") is None
    assert dispatch_listener(url, prepare=False, key="key") is None
