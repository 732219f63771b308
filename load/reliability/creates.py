"""kill -9 of the API under writers: every acknowledged create must be in the database, completely."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

import aiohttp
import psycopg2

from fixtures.agents import sample_agent
from fixtures.servers import postgres_server
from fixtures.stack import Stack, StackSettings
from fixtures.stack.stack import command
from load.livekit_recorder.process import WITHOUT_WORKERS, LiveKitRecorder

WRITERS: Final = 16  # concurrent clients that create sessions
AGENT: Final = 700_002  # id of the registered agent
_HALF: Final = """
    SELECT COUNT(*) FROM agent_instance_sessions s
    WHERE NOT EXISTS (SELECT 1 FROM runtime_live_sessions l WHERE l.session_id = s.session_id)
       OR NOT EXISTS (SELECT 1 FROM runtime_session_events e WHERE e.session_id = s.session_id)
"""


async def creates(kind: str, times: int, folder: Path) -> tuple[bool, str]:
    """Kill the API `times` times on `sqlite` or `postgresql`.

    Returns whether no create was lost or half written, and a summary.
    """
    with LiveKitRecorder(folder) as rooms, _database(kind, folder) as url:
        stack = Stack(
            StackSettings(
                livekit_url=rooms.environ["LIVEKIT_URL"],
                livekit_api_key=rooms.environ["LIVEKIT_API_KEY"],
                livekit_api_secret=rooms.environ["LIVEKIT_API_SECRET"],
                database_url=url,
                log_folder=folder,
                environ=WITHOUT_WORKERS,
            )
        )
        if kind == "postgresql":
            await asyncio.to_thread(_migrate, stack)
        acknowledged: set[str] = set()
        chance = random.Random(times)  # noqa: S311 - for the times of the kills
        for number in range(times):
            api = await asyncio.to_thread(stack.start_api)
            writing = asyncio.create_task(_write(stack, acknowledged, first=number == 0))
            await asyncio.sleep(0.1 + 0.3 * chance.random())
            await asyncio.to_thread(api.kill)
            writing.cancel()
            await asyncio.wait([writing])
            if number % 50 == 49:
                print(f"  {number + 1} kills, {len(acknowledged)} creates", flush=True)
        stored, half = await asyncio.to_thread(_stored, url)
    lost = len(acknowledged - stored)
    return lost == half == 0, (
        f"{kind}: {times} kills, {len(acknowledged)} creates acknowledged, {lost} of them lost, "
        f"{half} half written"
    )


def _migrate(stack: Stack) -> None:
    subprocess.run([command(), "db", "migrate"], env=stack.environ, check=True)


async def _write(stack: Stack, acknowledged: set[str], *, first: bool) -> None:
    headers = {"Authorization": f"Bearer {stack.settings.api_key}"}
    async with aiohttp.ClientSession(stack.api_url, headers=headers) as http:
        if first:
            config = sample_agent("receptionist", maxConcurrentSessions=1_000_000)
            body = {"agentId": AGENT, "tenantId": 1, "config": config}
            async with http.post("/api/agents/register", json=body) as response:
                response.raise_for_status()
        await asyncio.gather(*(_writer(http, acknowledged) for _ in range(WRITERS)))


async def _writer(http: aiohttp.ClientSession, acknowledged: set[str]) -> None:
    body = {"agentId": AGENT, "tenantId": 1, "roomName": ""}
    with suppress(aiohttp.ClientError):  # until the API is killed
        while True:
            async with http.post("/api/sessions/create", json=body) as response:
                if response.status == 200:
                    acknowledged.add((await response.json())["session"]["sessionId"])


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'creates.sqlite3'}"
    else:
        with postgres_server() as server, server.database(shared_schema=True) as url:
            yield url


def _stored(url: str) -> tuple[set[str], int]:
    ids = "SELECT session_id FROM agent_instance_sessions"
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
            found = {row[0] for row in file.execute(ids)}
            return found, file.execute(_HALF).fetchone()[0]
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(ids)
        found = {row[0] for row in cursor.fetchall()}
        cursor.execute(_HALF)
        ((half,),) = cursor.fetchall()
        return found, half
