"""What the watcher does while others are slow, away or full; `walk` has all the rest."""

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
from agent_runtime.domain.lease import Holder, LiveSession, Phase, WorkerState
from agent_runtime.domain.session import Session, SessionStatus, new_session

ACTIVE = replace(new_session(7, 3, "lobby"), status=SessionStatus.ACTIVE)
LOST = LiveSession(ACTIVE, Phase.WAITING, None, beats=0, dispatches=1, lost_by="worker-one")


class World:
    """One session that has lost its agent, one worker without a place, and LiveKit."""

    def __init__(self, *, livekit_is_away: bool = False, lost: LiveSession = LOST) -> None:
        self.livekit_is_away = livekit_is_away
        self.lost = lost
        self.others: list[LiveSession] = []
        self.rooms: dict[str, datetime] = {}
        self.closed: asyncio.Queue[str] = asyncio.Queue()
        self.looks = 0
        self.sought = 0
        self.given_up: asyncio.Queue[str] = asyncio.Queue()
        self.rows: dict[str, Session] = {}

    async def acquire(self) -> bool:
        """One that watches."""
        return True

    async def live(self) -> Sequence[LiveSession]:
        """The session, until it is given up."""
        return [*self.others, *([] if self.rows else [self.lost])]

    async def all(self) -> Sequence[WorkerState]:
        """The worker, which speaks at each look."""
        self.looks += 1
        return [WorkerState("worker-one", str(self.looks), "running", active=1, free=0)]

    async def count_callers(self, _room: str) -> list[str]:
        """Nobody, if LiveKit can be asked."""
        self.sought += 1
        self.ask_livekit()
        return []

    async def give_up(self, live: LiveSession, reason: str) -> bool:
        """Remember why."""
        session = live.session
        self.rows[session.session_id] = replace(session, status=SessionStatus.ERROR)
        self.given_up.put_nowait(reason)
        return True

    async def remove_agent(self, _session: Session) -> None:
        """There is none."""
        self.ask_livekit()

    async def close_room(self, room: str) -> None:
        """Remember it."""
        self.ask_livekit()
        self.closed.put_nowait(room)

    async def occupied_rooms(self) -> dict[str, datetime]:
        """The rooms."""
        self.ask_livekit()
        return self.rooms

    def ask_livekit(self) -> None:
        """Fails while it is away."""
        if self.livekit_is_away:
            raise LiveKitUnavailable

    async def end_orphans(self) -> list[Session]:
        """Nothing."""
        return []

    async def clear(self, *_: object) -> None:
        """Nothing to clear."""

    async def forget(self, *_: object) -> None:
        """Nobody to forget."""


class HungLiveKit(World):
    """It takes a request, and answers nobody."""

    async def occupied_rooms(self) -> dict[str, datetime]:
        """Never."""
        await asyncio.Event().wait()
        return {}


class SlowHousekeeping(World):
    """It takes longer than any session may wait."""

    async def end_orphans(self) -> list[Session]:
        """Not while we look."""
        await asyncio.Event().wait()
        return []


class SlowReports(World):
    """They leave the database no time for the rooms, of which one may have somebody waiting in it."""

    async def occupied_rooms(self) -> dict[str, datetime]:
        """One room of an agent's."""
        return {"agent-9-room": ACTIVE.started_at}

    async def started_since(self, *_: object) -> bool:
        """Takes too long."""
        raise StoreUnavailable("database: no answer within 10.0 s")


class FailingHousekeeping(World):
    """One part of it always fails."""

    def __init__(self, failure: Exception) -> None:
        super().__init__()
        self.failure = failure
        self.forgot = asyncio.Event()

    async def end_orphans(self) -> list[Session]:
        """Does not."""
        raise self.failure

    async def forget(self, *_: object) -> None:
        """The last part."""
        self.forgot.set()


class Away(World):
    """The database cannot be asked, and then LiveKit, for twenty looks each."""

    def __init__(self) -> None:
        super().__init__()
        self.questions: Counter[str] = Counter()
        self.is_back = asyncio.Event()

    async def acquire(self) -> bool:
        """If the database can be asked."""
        self.questions["database"] += 1
        if self.questions["database"] <= 20:
            raise StoreUnavailable("refused")
        return True

    async def occupied_rooms(self) -> dict[str, datetime]:
        """If LiveKit can be asked."""
        self.questions["livekit"] += 1
        if self.questions["livekit"] <= 20:
            raise LiveKitUnavailable("refused")
        self.is_back.set()
        return {}


def watcher(world: World, terms: DispatchTimeouts) -> SessionSupervisor:
    """One that looks often."""
    one = cast("Any", world)
    return SessionSupervisor(
        guard=one, leases=one, sessions=one, workers=one, events=one, transcripts=one,
        rooms=one,
        terms=terms, interval=0.01,
    )  # fmt: skip


@asynccontextmanager
async def watched(world: World, terms: DispatchTimeouts) -> AsyncIterator[None]:
    """A watcher at work; whatever is awaited inside has ten seconds."""
    watching = asyncio.create_task(watcher(world, terms).run())
    try:
        async with asyncio.timeout(10):
            yield
    finally:
        watching.cancel()
        await asyncio.wait([watching])


async def test_a_session_that_nobody_waits_for_is_given_up() -> None:
    """Though there is no place that anybody could be asked for."""
    world = World()
    async with watched(world, DispatchTimeouts(abandoned=0.2)):
        assert await world.given_up.get() == "the agent was lost and nobody is in the room"


async def test_while_livekit_cannot_be_asked_the_session_waits(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Until its deadline: nothing that the watcher has seen is forgotten over it."""
    world = World(livekit_is_away=True)
    async with watched(world, DispatchTimeouts(abandoned=0.2, deadline=1.5)):
        assert (await world.given_up.get()).startswith(
            "no agent within 1.5 s: all workers are full"
        )
    assert world.sought == 2  # once a second
    assert "not known whether anybody waits" in caplog.text


@pytest.mark.parametrize("trouble", [HungLiveKit, SlowHousekeeping, SlowReports])
async def test_nothing_that_is_slow_stops_the_clocks(trouble: type[World]) -> None:
    """A LiveKit that hangs, housekeeping that takes its time: deadlines hold all the same."""
    world = trouble()
    async with watched(world, DispatchTimeouts(lease=0.3, unserved=0.1, deadline=2.5)):
        assert (await world.given_up.get()).startswith("no agent within 2.5 s")


@pytest.mark.parametrize("failure", [StoreUnavailable("too late"), ValueError("a spoilt row")])
async def test_housekeeping_goes_on_without_what_failed(failure: Exception) -> None:
    """And the sessions are watched as before."""
    world = FailingHousekeeping(failure)
    async with watched(world, DispatchTimeouts(deadline=0.3)):
        await world.forgot.wait()
        await world.given_up.get()


async def test_an_outage_is_not_told_at_each_look(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who is woken by it has to find what else is in the log."""
    monkeypatch.setattr("agent_runtime.application.session_supervisor.ROOMS_EVERY", 0.0)
    world = Away()
    async with watched(world, DispatchTimeouts()):
        await world.is_back.wait()
    told = [record.getMessage() for record in caplog.records if "known: " in record.getMessage()]
    assert [re.sub(r"[\d.]+ s", "...", line) for line in told] == [
        "watcher: what lives is not known: refused",
        "watcher: what lives is not known: well again after ...",
        "watcher: who is in the rooms is not known: refused",
        "watcher: who is in the rooms is not known: well again after ...",
    ]


async def test_a_room_with_another_call_in_it_is_not_closed() -> None:
    """Of two sessions in the widget's room one has its agent: giving up the other leaves it alone."""
    world = World(lost=in_room("agent-7-room"))
    well = in_room("agent-7-room")
    world.others = [replace(well, phase=Phase.TALKING, holder=Holder("job", "worker-one"))]
    async with watched(world, DispatchTimeouts(lease=30, deadline=0.3)):
        await world.given_up.get()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(world.closed.get(), 0.3)


@pytest.mark.parametrize("room", ["", "agent-7-room"])
async def test_a_room_is_closed_once_livekit_is_back(room: str) -> None:
    """Its session was given up while LiveKit was away: whoever comes back there is not left waiting."""
    lost = in_room(room)
    name = lost.session.room_name
    world = World(livekit_is_away=True, lost=lost)
    async with watched(world, DispatchTimeouts(deadline=0.3)):
        await world.given_up.get()
        world.rooms = dict.fromkeys((name, "session-of-others"), lost.session.started_at)
        world.livekit_is_away = False
        assert await world.closed.get() == name
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(world.closed.get(), 1.3)  # the next look at the rooms


def in_room(room: str) -> LiveSession:
    """A session that was just asked for there."""
    return replace(LOST, session=new_session(7, 3, room))
