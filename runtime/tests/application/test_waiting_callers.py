"""Callers in an agent's room without a session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from agent_runtime.application.waiting_callers import WaitingCallers
from agent_runtime.domain.clock import MACHINE
from agent_runtime.domain.dispatch_rules import DispatchRules, DispatchTimeouts
from agent_runtime.domain.session import (
    CALLER_LEFT,
    NO_CALLER_CAME,
    Session,
    SessionStatus,
    new_session,
)

ROOM = "agent-7-room"
CREATED = datetime(2026, 1, 1, tzinfo=UTC)
JOINED = CREATED + timedelta(seconds=10)


class World:
    """A caller in an agent's room, where `before` was the last session."""

    def __init__(self, before: Session | None) -> None:
        self.before = before
        self.dispatched: list[str] = []
        self.asked_since: datetime | None = None

    async def last_ended(self, _room: str, since: datetime) -> Session | None:
        """The session before."""
        self.asked_since = since
        return self.before

    async def count_callers(self, _room: str, *, since: datetime | None = None) -> int:
        """Count the caller, who joined at `JOINED`."""
        return int(since is None or since < JOINED)

    async def dispatch_automatic(self, room: str) -> None:
        """Record the dispatch."""
        self.dispatched.append(room)


def over(reason: str, *, after: float) -> Session:
    """A session that ended that many seconds after the room was created."""
    ended_at = CREATED + timedelta(seconds=after)
    session = new_session(7, 3, ROOM, now=CREATED)
    return replace(session, status=SessionStatus.ENDED, ended_at=ended_at, reason=reason)


async def dispatches(world: World, rules: DispatchRules) -> Sequence[str]:
    """The rooms that get an agent in one look."""
    one = cast("Any", world)
    rooms = {ROOM: CREATED, "lobby": CREATED}
    await WaitingCallers(one, one, MACHINE).serve(rules, rooms, [])
    return world.dispatched


@pytest.mark.parametrize(
    ("before", "served"),
    [
        (over("ended over HTTP", after=9), [ROOM]),
        (over("a provider failed: LLM", after=9), [ROOM]),
        (over("ended over HTTP", after=11), []),
        (over(CALLER_LEFT, after=11), [ROOM]),
        (over(NO_CALLER_CAME, after=11), [ROOM]),
    ],
)
async def test_who_joined_after_the_end_is_served_at_once(
    before: Session, served: list[str]
) -> None:
    """A caller waits who came after the session's end, or at whose end nobody was in the room.

    One who was there at the end does not wait for another call.
    """
    assert await dispatches(World(before), DispatchRules(DispatchTimeouts())) == served


async def test_a_new_room_is_livekits_first() -> None:
    """In a room without an earlier session LiveKit's own dispatch has its time before ours."""
    world = World(None)
    assert await dispatches(world, DispatchRules(DispatchTimeouts(unserved=60))) == []
    assert await dispatches(world, DispatchRules(DispatchTimeouts(unserved=0))) == [ROOM]


async def test_a_dispatch_is_not_repeated_at_once() -> None:
    """A room that got a dispatch gets no second one before the first has had its time."""
    world, rules = World(over("ended over HTTP", after=9)), DispatchRules(DispatchTimeouts())
    for _ in range(2):
        assert await dispatches(world, rules) == [ROOM]


async def test_sessions_of_an_earlier_room_of_that_name_do_not_count() -> None:
    """Only sessions that ended a second or more after the room's creation were in this room."""
    world = World(None)
    await dispatches(world, DispatchRules(DispatchTimeouts()))
    assert world.asked_since == CREATED + timedelta(seconds=1)
