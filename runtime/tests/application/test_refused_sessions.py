"""Sessions whose create was refused: they end as errors as soon as the database shows them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any, cast

import psycopg2
import pytest

from agent_runtime.application.agent_runtime import AgentRuntime
from agent_runtime.application.creates import refused_sessions
from agent_runtime.domain.errors import LiveKitUnavailable, StoreUnavailable
from agent_runtime.domain.session import Session, SessionStatus, new_session
from agent_runtime.egress.policy import EgressPolicy
from agent_runtime.settings import Settings
from agent_runtime.storage import Database, RegisteredAgents, StoredSessions, open_database
from agent_runtime.storage.schema.development import create_schema
from fixtures.servers import postgres_server

PROVIDERS = Settings.load({}).providers.defaults(EgressPolicy())
REFUSED = "refused: database: no answer within 0.9 s"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A PostgreSQL database for this module."""
    with postgres_server() as server, server.database() as url:
        create_schema(url)
        yield url


class Rooms:
    """Stands in for LiveKit; records the sessions whose agents it removed."""

    def __init__(self) -> None:
        self.removed: asyncio.Queue[str] = asyncio.Queue()
        self.is_unavailable = False

    async def dispatch(self, _session: Session, _variables: object) -> None:
        """Accept the dispatch, unless LiveKit is unavailable."""
        if self.is_unavailable:
            raise LiveKitUnavailable("LiveKit: connection refused")

    async def remove_agent(self, session: Session) -> None:
        """Record the session."""
        self.removed.put_nowait(session.session_id)


@pytest.fixture
async def world(url: str) -> AsyncIterator[SimpleNamespace]:
    """A runtime on that database, with agent 7 registered."""
    database: Database = open_database(url)
    sessions = StoredSessions(database)
    rooms = Rooms()
    runtime = AgentRuntime(
        agents=RegisteredAgents(database, sessions), sessions=sessions, metrics=cast("Any", None),
        rooms=cast("Any", rooms), database=database, default_max_sessions=10, providers=PROVIDERS,
    )  # fmt: skip
    await runtime.register(7, 3, {})
    yield SimpleNamespace(runtime=runtime, sessions=sessions, rooms=rooms)
    runtime.stop()
    await database.close()


class LockedTable:
    """Blocks every write to the sessions table while the context lasts."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> None:
        """Lock the table."""
        self._connection = psycopg2.connect(self._url)
        self._connection.cursor().execute("LOCK TABLE agent_instance_sessions IN EXCLUSIVE MODE")

    def __exit__(self, *_: object) -> None:
        """Unlock it; blocked writes go on."""
        self._connection.rollback()
        self._connection.close()


async def test_a_create_that_is_applied_late_is_undone(world: SimpleNamespace, url: str) -> None:
    """A session that appears after its create was answered 503 ends, and its capacity is freed."""
    # The connection has prepared its statements by now, so the next refused create is on its way.
    well = await world.runtime.create_session(7, 3, "hall", None)
    with LockedTable(url), pytest.raises(StoreUnavailable):
        await world.runtime.create_session(7, 3, "lobby", None)
    async with asyncio.timeout(10):
        session = await world.sessions.get(await world.rooms.removed.get())
    assert session.status is SessionStatus.ERROR
    assert session.room_name == "lobby"
    assert (await world.runtime.agent_status(7)).active_sessions == 1
    await world.runtime.end_session(well.session_id)


async def test_a_session_that_cannot_be_ended_at_once_is_ended_later(
    world: SimpleNamespace, url: str
) -> None:
    """When LiveKit refuses a dispatch while the database is locked, the session ends afterwards."""
    world.rooms.is_unavailable = True
    locked = LockedTable(url)
    create = world.sessions.create

    async def create_then_lock(session: Session, *limits: Any) -> None:
        await create(session, *limits)
        locked.__enter__()

    world.sessions.create = create_then_lock
    with pytest.raises(LiveKitUnavailable):
        await world.runtime.create_session(7, 3, "stairs", None)
    locked.__exit__()
    async with asyncio.timeout(10):
        session = await world.sessions.get(await world.rooms.removed.get())
    assert session.status is SessionStatus.ERROR
    assert session.room_name == "stairs"


@pytest.mark.parametrize(("lookups", "is_found"), [(3, True), (1000, False)])
async def test_lookups_have_growing_pauses_and_an_end(
    monkeypatch: pytest.MonkeyPatch, lookups: int, is_found: bool
) -> None:
    """A refused session is looked up with growing pauses, and dropped after the longest."""
    monkeypatch.setattr(refused_sessions, "INTERVAL", 0.01)
    monkeypatch.setattr(refused_sessions, "MAX_PAUSE", 0.05)
    found, removed = new_session(7, 3, "lobby"), asyncio.Event()
    looked = 0

    async def finish(*_: object) -> Session | None:
        nonlocal looked
        looked += 1
        return found if looked == lookups else None

    async def remove_agent(_session: Session) -> None:
        removed.set()

    store = cast("Any", SimpleNamespace(finish=finish))
    refused = refused_sessions.RefusedSessions(store, remove_agent)
    refused.add(found.session_id, "refused")
    task = refused._task
    assert task is not None
    async with asyncio.timeout(10):
        await task
    assert removed.is_set() is is_found
    assert looked < 6
