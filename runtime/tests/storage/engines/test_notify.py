"""The bell by which workers hear of sessions, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import psycopg2
import pytest

from agent_runtime.storage import dispatch_listener, dispatch_notifier, open_database
from agent_runtime.storage.postgres.notify import PAUSE, PostgresListener, PostgresNotifier
from agent_runtime.storage.sql.dispatch_notice import channel_of


@pytest.fixture
async def bell(empty_postgres: str) -> AsyncIterator[PostgresNotifier]:
    """The bell of those with the key."""
    database = open_database(empty_postgres, pool_size=2)
    yield PostgresNotifier(database, "key")
    await database.close()


@asynccontextmanager
async def listening(url: str, key: str = "key") -> AsyncIterator[asyncio.Queue[tuple[str, str]]]:
    """What is heard, from a moment on at which the server knows that somebody listens."""
    heard: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    async def listen() -> None:
        async for notify in PostgresListener(url, key).notices():
            heard.put_nowait(notify)

    task = asyncio.create_task(listen())
    try:
        await asyncio.to_thread(_sound, url, key)
        while await heard.get() != ("", "sound"):
            pass
        yield heard
    finally:
        task.cancel()
        await asyncio.wait([task])


def _sound(url: str, key: str) -> None:
    """Ring until somebody hears it: LISTEN has no answer that others see."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for _ in range(100):
                cursor.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                    "AND query = %s AND state = 'idle'",
                    [f"LISTEN {channel_of(key)}"],
                )
                if cursor.fetchone() == (1,):
                    break
                cursor.execute("SELECT pg_sleep(0.05)")
            cursor.execute("SELECT pg_notify(%s, %s)", [channel_of(key), '["","sound"]'])


async def test_what_is_rung_is_heard_in_order(bell: PostgresNotifier, empty_postgres: str) -> None:
    """The texts arrive as they were."""
    async with listening(empty_postgres) as heard:
        notices = [(f"room-{number}", '{"name": "Zoë \\"Z\\""}') for number in range(30)]
        for notify in notices:
            bell.notify(*notify)
        async with asyncio.timeout(10):
            assert [await heard.get() for _ in notices] == notices


async def test_another_livekit_s_workers_do_not_hear_it(
    bell: PostgresNotifier, empty_postgres: str
) -> None:
    """They could not join its rooms, and would take its sessions all the same."""
    async with listening(empty_postgres) as ours, listening(empty_postgres, "other") as others:
        bell.notify("room", "{}")
        async with asyncio.timeout(10):
            assert await ours.get() == ("room", "{}")
        assert others.empty()


async def test_what_is_too_long_is_left_to_livekit(
    bell: PostgresNotifier, empty_postgres: str
) -> None:
    """PostgreSQL takes 8,000 bytes; the next ring is heard."""
    async with listening(empty_postgres) as heard:
        bell.notify("room", "x" * 9_000)
        bell.notify("room", "short")
        async with asyncio.timeout(10):
            assert await heard.get() == ("room", "short")


async def test_whoever_listens_comes_back(bell: PostgresNotifier, empty_postgres: str) -> None:
    """After its connection was cut by the server."""
    async with listening(empty_postgres) as heard:
        with closing(psycopg2.connect(empty_postgres)) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'"
            )
        await asyncio.sleep(PAUSE)
        async with asyncio.timeout(10):
            while heard.empty():
                bell.notify("room", "{}")
                await asyncio.sleep(0.1)


async def test_a_database_that_is_away_harms_nobody() -> None:
    """The ring is lost, whoever rings does not notice, whoever listens goes on trying."""
    url = "postgresql://nobody@127.0.0.1:1/nothing"
    database = open_database(url)
    dispatch_notifier(database, url, prepare=True, key="key").notify("room", "{}")  # type: ignore[union-attr]
    ear = dispatch_listener(url, prepare=True, key="key")
    assert ear is not None
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(PAUSE * 2):
            await anext(ear.notices())


async def test_through_pgbouncer_there_is_none() -> None:
    """Nobody can listen there."""
    url = "postgresql://u@127.0.0.1/n"
    assert dispatch_notifier(open_database(url), url, prepare=False, key="key") is None
    assert dispatch_listener(url, prepare=False, key="key") is None
