"""What the watcher does about callers who wait while all workers are full; `walk` has all the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from agent_runtime.domain.errors import RoomsUnavailable
from agent_runtime.domain.lease import Instance, LiveSession, Phase
from agent_runtime.domain.session import Session, SessionStatus, new_session
from agent_runtime.domain.watch import Terms
from agent_runtime.watcher import Watcher

ACTIVE = replace(new_session(7, 3, "lobby"), status=SessionStatus.ACTIVE)
LOST = LiveSession(ACTIVE, Phase.WAITING, None, beats=0, dispatches=1, lost_by="worker-one")


class World:
    """One session that has lost its agent, one worker without a place, and LiveKit."""

    def __init__(self, *, livekit_is_away: bool) -> None:
        self.livekit_is_away = livekit_is_away
        self.looks = 0
        self.sought = 0
        self.given_up: asyncio.Queue[str] = asyncio.Queue()

    async def hold(self) -> bool:
        """One that watches."""
        return True

    async def live(self) -> Sequence[LiveSession]:
        """The session, until it is given up."""
        return [LOST] if self.given_up.empty() else []

    async def all(self) -> Sequence[Instance]:
        """The worker, which speaks at each look."""
        self.looks += 1
        return [Instance("worker-one", str(self.looks), "running", active=1, free=0)]

    async def callers(self, _room: str) -> list[str]:
        """Nobody, if LiveKit can be asked."""
        self.sought += 1
        if self.livekit_is_away:
            raise RoomsUnavailable
        return []

    async def give_up(self, _live: LiveSession, reason: str) -> bool:
        """Remember why."""
        self.given_up.put_nowait(reason)
        return True

    async def remove_agent(self, _session: Session) -> None:
        """There is none."""

    async def close_room(self, _room: str) -> None:
        """It is empty."""

    async def occupied(self) -> dict[str, Any]:
        """No room waits."""
        return {}

    async def mend(self) -> list[Session]:
        """Nothing."""
        return []

    async def clear(self, *_: object) -> None:
        """Nothing to clear."""

    async def forget(self, *_: object) -> None:
        """Nobody to forget."""


def watcher(world: World, terms: Terms) -> Watcher:
    """One that looks often."""
    one = cast("Any", world)
    return Watcher(
        guard=one, leases=one, sessions=one, instances=one, events=one, rooms=one,
        terms=terms, interval=0.01,
    )  # fmt: skip


async def test_a_session_that_nobody_waits_for_is_given_up() -> None:
    """Though there is no place that anybody could be asked for."""
    world = World(livekit_is_away=False)
    watching = asyncio.create_task(watcher(world, Terms(abandoned=0.2)).run())
    async with asyncio.timeout(10):
        assert await world.given_up.get() == "the agent was lost and nobody is in the room"
    watching.cancel()
    await asyncio.wait([watching])


async def test_while_livekit_cannot_be_asked_the_session_waits(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Until its deadline: nothing that the watcher has seen is forgotten over it."""
    world = World(livekit_is_away=True)
    watching = asyncio.create_task(watcher(world, Terms(abandoned=0.2, deadline=1.5)).run())
    async with asyncio.timeout(10):
        assert (await world.given_up.get()).startswith(
            "no agent within 1.5 s: all workers are full"
        )
    watching.cancel()
    await asyncio.wait([watching])
    assert world.sought == 2  # once a second
    assert "not known whether anybody waits" in caplog.text
