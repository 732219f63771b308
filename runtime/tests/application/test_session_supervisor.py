"""The session supervisor while others are slow, unavailable or full; `walk` tests the rest."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

import pytest

from agent_runtime.application.session_supervisor import SessionSupervisor
from agent_runtime.domain.dispatch_rules import DispatchTimeouts
from agent_runtime.domain.errors import LiveKitUnavailable, StoreUnavailable
from agent_runtime.domain.lease import Event, EventKind, Holder, LiveSession, Phase, WorkerState
from agent_runtime.domain.session import Session, SessionStatus, new_session

ACTIVE = replace(new_session(7, 3, "lobby"), status=SessionStatus.ACTIVE)
LOST = LiveSession(ACTIVE, Phase.WAITING, None, beats=0, dispatches=1, lost_by="worker-one")


class World:
    """One session that has lost its agent, one worker without capacity, and LiveKit."""

    def __init__(self, *, livekit_is_unavailable: bool = False, lost: LiveSession = LOST) -> None:
        self.livekit_is_unavailable = livekit_is_unavailable
        self.lost = lost
        self.others: list[LiveSession] = []
        self.rooms: dict[str, datetime] = {}
        self.closed: asyncio.Queue[str] = asyncio.Queue()
        self.passes = 0
        self.checks = 0
        self.given_up: asyncio.Queue[str] = asyncio.Queue()
        self.rows: dict[str, Session] = {}
        self.events: list[Event] = []

    async def acquire(self) -> bool:
        """Take the lock."""
        return True

    async def live(self) -> Sequence[LiveSession]:
        """The session, until it is given up, and any others."""
        return [*self.others, *([] if self.rows else [self.lost])]

    async def is_live(self, room: str) -> bool:
        """Whether a session is in the room."""
        return any(one.session.room_name == room for one in await self.live())

    async def all(self) -> Sequence[WorkerState]:
        """The worker, which reports before each pass."""
        self.passes += 1
        return [WorkerState("worker-one", str(self.passes), "running", active=1, free=0)]

    async def count_callers(self, _room: str, _identity: str | None = None) -> list[str]:
        """No caller, if LiveKit is available."""
        self.checks += 1
        self.call_livekit()
        return []

    async def give_up(self, live: LiveSession, reason: str) -> bool:
        """Record the reason."""
        session = live.session
        self.rows[session.session_id] = replace(session, status=SessionStatus.ERROR)
        self.given_up.put_nowait(reason)
        return True

    async def remove_agent(self, _session: Session) -> None:
        """Do nothing: there is no agent."""
        self.call_livekit()

    async def close_room(self, room: str) -> None:
        """Record the room."""
        self.call_livekit()
        self.closed.put_nowait(room)

    async def open_rooms(self) -> dict[str, datetime]:
        """The occupied rooms."""
        self.call_livekit()
        return self.rooms

    def call_livekit(self) -> None:
        """Raise while LiveKit is unavailable."""
        if self.livekit_is_unavailable:
            raise LiveKitUnavailable

    async def end_orphans(self) -> list[Session]:
        """There are no orphans."""
        return []

    async def read(self, _session: str) -> list[tuple[int, Event]]:
        """The session's events."""
        return list(enumerate(self.events))

    async def clear(self, *_: object) -> None:
        """There is nothing to delete."""

    async def round(self, _now: datetime) -> int:
        """There is nothing to delete."""
        return 0

    async def forget(self, *_: object) -> None:
        """There are no old workers."""


class HungLiveKit(World):
    """LiveKit accepts requests and never responds."""

    async def open_rooms(self) -> dict[str, datetime]:
        """Never return."""
        await asyncio.Event().wait()
        return {}


class SlowHousekeeping(World):
    """Housekeeping takes longer than any session may wait."""

    async def end_orphans(self) -> list[Session]:
        """Do not return during the test."""
        await asyncio.Event().wait()
        return []


class SlowReports(World):
    """The database is too slow to tell whether an occupied room has had a session."""

    async def open_rooms(self) -> dict[str, datetime]:
        """One room that is named after an agent."""
        return {"agent-9-room": ACTIVE.started_at}

    async def last_ended(self, *_: object) -> Session | None:
        """Time out."""
        raise StoreUnavailable("database: no answer within 10.0 s")


class FailingHousekeeping(World):
    """One part of housekeeping always fails."""

    def __init__(self, failure: Exception) -> None:
        super().__init__()
        self.failure = failure
        self.finished = asyncio.Event()

    async def end_orphans(self) -> list[Session]:
        """Fail."""
        raise self.failure

    async def forget(self, *_: object) -> None:
        """Record that the last part ran."""
        self.finished.set()


class Outages(World):
    """The database is unavailable for twenty passes, and then LiveKit."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: Counter[str] = Counter()
        self.is_back = asyncio.Event()

    async def acquire(self) -> bool:
        """Raise for the first twenty passes."""
        self.requests["database"] += 1
        if self.requests["database"] <= 20:
            raise StoreUnavailable("refused")
        return True

    async def open_rooms(self) -> dict[str, datetime]:
        """Raise for the first twenty reads."""
        self.requests["livekit"] += 1
        if self.requests["livekit"] <= 20:
            raise LiveKitUnavailable("refused")
        self.is_back.set()
        return {}


def supervisor(world: World, timeouts: DispatchTimeouts) -> SessionSupervisor:
    """A supervisor with short pauses between its passes."""
    one = cast("Any", world)
    return SessionSupervisor(
        lock=one, leases=one, sessions=one, workers=one, events=one, transcripts=one,
        retention=one, rooms=one,
        timeouts=timeouts, interval=0.01,
    )  # fmt: skip


@asynccontextmanager
async def supervised(world: World, timeouts: DispatchTimeouts) -> AsyncIterator[None]:
    """A supervisor at work; whatever is awaited inside has ten seconds."""
    running = asyncio.create_task(supervisor(world, timeouts).run())
    try:
        async with asyncio.timeout(10):
            yield
    finally:
        running.cancel()
        await asyncio.wait([running])


async def test_a_session_without_a_caller_is_given_up() -> None:
    """A session whose caller has left is given up, also while all workers are full."""
    world = World()
    async with supervised(world, DispatchTimeouts(abandoned=0.2)):
        assert await world.given_up.get() == "the agent was lost and nobody is in the room"


async def test_while_livekit_is_unavailable_a_session_waits_for_its_deadline(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """While LiveKit is unavailable a session waits to its deadline, and its state is not forgotten."""
    world = World(livekit_is_unavailable=True)
    async with supervised(world, DispatchTimeouts(abandoned=0.2, deadline=1.5)):
        assert (await world.given_up.get()).startswith(
            "no agent within 1.5 s: all workers are full"
        )
    assert world.checks == 2  # once a second
    assert "not known whether a caller waits" in caplog.text


@pytest.mark.parametrize("trouble", [HungLiveKit, SlowHousekeeping, SlowReports])
async def test_slow_work_delays_no_deadline(trouble: type[World]) -> None:
    """Deadlines hold while LiveKit hangs, housekeeping is slow, or a query times out."""
    world = trouble()
    async with supervised(world, DispatchTimeouts(lease=0.3, unserved=0.1, deadline=2.5)):
        assert (await world.given_up.get()).startswith("no agent within 2.5 s")


@pytest.mark.parametrize("failure", [StoreUnavailable("too late"), ValueError("a spoilt row")])
async def test_housekeeping_goes_on_after_a_part_failed(failure: Exception) -> None:
    """When one part of housekeeping fails, the other parts run and sessions are supervised."""
    world = FailingHousekeeping(failure)
    async with supervised(world, DispatchTimeouts(deadline=0.3)):
        await world.finished.wait()
        await world.given_up.get()


async def test_an_outage_is_logged_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outage of twenty passes is one line at its beginning and one at its end."""
    monkeypatch.setattr("agent_runtime.application.session_supervisor.ROOMS_INTERVAL", 0.0)
    world = Outages()
    async with supervised(world, DispatchTimeouts()):
        await world.is_back.wait()
    lines = [record.getMessage() for record in caplog.records if "known: " in record.getMessage()]
    assert [re.sub(r"[\d.]+ s", "...", line) for line in lines] == [
        "supervisor: live sessions are not known: refused",
        "supervisor: live sessions are not known: recovered after ...",
        "supervisor: occupied rooms are not known: refused",
        "supervisor: occupied rooms are not known: recovered after ...",
    ]


async def test_a_room_with_another_call_in_it_is_not_closed() -> None:
    """Giving up one of two sessions in a room does not close the room under the other's call."""
    world = World(lost=in_room("agent-7-room"))
    well = in_room("agent-7-room")
    world.others = [replace(well, phase=Phase.TALKING, holder=Holder("job", "worker-one"))]
    async with supervised(world, DispatchTimeouts(lease=30, deadline=0.3)):
        await world.given_up.get()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(world.closed.get(), 0.3)


@pytest.mark.parametrize("room", ["", "agent-7-room"])
async def test_a_room_is_closed_once_livekit_is_back(room: str) -> None:
    """The room of a session that was given up while LiveKit was unavailable is closed afterwards."""
    lost = in_room(room)
    name = lost.session.room_name
    world = World(livekit_is_unavailable=True, lost=lost)
    async with supervised(world, DispatchTimeouts(deadline=0.3)):
        await world.given_up.get()
        world.rooms = dict.fromkeys((name, "session-of-others"), lost.session.started_at)
        world.livekit_is_unavailable = False
        assert await world.closed.get() == name
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(world.closed.get(), 1.3)  # the next read of the rooms


async def test_the_reason_of_an_end_says_how_the_last_agent_was_lost() -> None:
    """A session whose agents were all thrown out is given up with the cause of the last loss."""
    world = World(lost=replace(LOST, dispatches=20))
    now = LOST.session.started_at
    world.events = [
        Event(now, EventKind.LOST, "no heartbeat for 2 s"),
        Event(now, EventKind.LOST, "left the room: duplicate_identity"),
        Event(now, EventKind.ASKED, "its agent was lost"),
    ]
    async with supervised(world, DispatchTimeouts()):
        reason = await world.given_up.get()
    assert reason.endswith("the last agent was lost: left the room: duplicate_identity")


def in_room(room: str) -> LiveSession:
    """A session in this room whose agent was lost."""
    return replace(LOST, session=new_session(7, 3, room))
