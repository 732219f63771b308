"""What becomes of a create that was refused, and that the database applies later all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any, cast

import psycopg2
import pytest

from agent_runtime.application import late_creates as retractions
from agent_runtime.application.agent_runtime import AgentRuntime
from agent_runtime.domain.errors import LiveKitUnavailable, StoreUnavailable
from agent_runtime.domain.session import Session, SessionStatus, new_session
from agent_runtime.storage import Database, RegisteredAgents, StoredSessions, open_database
from agent_runtime.storage.schema.development import create_schema
from fixtures.servers import postgres_server

REFUSED = "refused: database: no answer within 0.9 s"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A PostgreSQL database of these tests' own."""
    with postgres_server() as server, server.database() as url:
        create_schema(url)
        yield url


class Rooms:
    """LiveKit; remembers whom it was told to take out."""

    def __init__(self) -> None:
        self.left: asyncio.Queue[str] = asyncio.Queue()
        self.is_away = False

    async def dispatch(self, _session: Session, _variables: object) -> None:
        """Takes it, unless it is away."""
        if self.is_away:
            raise LiveKitUnavailable("LiveKit: connection refused")

    async def remove_agent(self, session: Session) -> None:
        """Remember."""
        self.left.put_nowait(session.session_id)


@pytest.fixture
async def world(url: str) -> AsyncIterator[SimpleNamespace]:
    """A runtime on that database, with one agent."""
    database: Database = open_database(url)
    sessions = StoredSessions(database)
    rooms = Rooms()
    runtime = AgentRuntime(
        agents=RegisteredAgents(database, sessions), sessions=sessions, metrics=cast("Any", None),
        rooms=cast("Any", rooms), database=database, default_max_sessions=10,
    )  # fmt: skip
    await runtime.register(7, 3, {})
    yield SimpleNamespace(runtime=runtime, sessions=sessions, rooms=rooms)
    runtime.stop()
    await database.close()


class LockedTable:
    """Nobody can write to the sessions for as long as the context lasts."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> None:
        """Lock."""
        self._connection = psycopg2.connect(self._url)
        self._connection.cursor().execute("LOCK TABLE agent_instance_sessions IN EXCLUSIVE MODE")

    def __exit__(self, *_: object) -> None:
        """Let those who wait go on."""
        self._connection.rollback()
        self._connection.close()


async def test_a_create_that_is_applied_late_is_undone(world: SimpleNamespace, url: str) -> None:
    """The client had its 503: the session ends, its agent is called back, its place is free."""
    # The connection has prepared its statements by now: what is refused next is on its way.
    well = await world.runtime.create_session(7, 3, "hall", None)
    with LockedTable(url), pytest.raises(StoreUnavailable):
        await world.runtime.create_session(7, 3, "lobby", None)
    async with asyncio.timeout(10):
        session = await world.sessions.get(await world.rooms.left.get())
    assert session.status is SessionStatus.ERROR
    assert session.room_name == "lobby"
    assert (await world.runtime.agent_status(7)).active_sessions == 1
    await world.runtime.end_session(well.session_id)


async def test_a_refusal_that_cannot_be_written_is_written_later(
    world: SimpleNamespace, url: str
) -> None:
    """LiveKit refused the dispatch, and the database had no time for the row's end."""
    world.rooms.is_away = True
    locked = LockedTable(url)
    create = world.sessions.create

    async def create_then_lock(session: Session) -> None:
        await create(session)
        locked.__enter__()

    world.sessions.create = create_then_lock
    with pytest.raises(LiveKitUnavailable):
        await world.runtime.create_session(7, 3, "stairs", None)
    locked.__exit__()
    async with asyncio.timeout(10):
        session = await world.sessions.get(await world.rooms.left.get())
    assert session.status is SessionStatus.ERROR
    assert session.room_name == "stairs"


@pytest.mark.parametrize(("looks", "is_found"), [(3, True), (1000, False)])
async def test_it_is_looked_for_with_growing_pauses(
    monkeypatch: pytest.MonkeyPatch, looks: int, is_found: bool
) -> None:
    """What was refused may be applied minutes later; it is not looked for for ever."""
    monkeypatch.setattr(retractions, "EVERY", 0.01)
    monkeypatch.setattr(retractions, "LONGEST_PAUSE", 0.05)
    found, left = new_session(7, 3, "lobby"), asyncio.Event()
    looked = 0

    async def finish(*_: object) -> Session | None:
        nonlocal looked
        looked += 1
        return found if looked == looks else None

    async def leave(_session: Session) -> None:
        left.set()

    store = cast("Any", SimpleNamespace(finish=finish))
    undoing = retractions.LateCreates(store, leave)
    undoing.add(found.session_id, "refused")
    task = undoing._task
    assert task is not None
    async with asyncio.timeout(10):
        await task
    assert left.is_set() is is_found
    assert looked < 6
