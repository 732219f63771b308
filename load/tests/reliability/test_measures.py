"""The measurements of reliability: what they count, and what they leave out and report."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, Self

import pytest

from load.reliability import measures

# Outcomes of a create: the API refuses the session, or no agent joins it.
REFUSED, SILENT = "refused", "silent"


class FakeRooms:
    """API and LiveKit in one, with the outcomes of the creates in their order."""

    def __init__(self, *outcomes: str) -> None:
        self._outcomes = list(outcomes)
        self._outcome_of: dict[str, str] = {}
        self.before_answer: Callable[[str], Any] = lambda _room: asyncio.sleep(0)
        self.looked = asyncio.Event()
        self.ended: list[str] = []
        self.states_read: list[str] = []

    async def create(self, room: str) -> str | None:
        """Create a session, whose id is the room's name."""
        outcome = self._outcome_of[room] = self._outcomes.pop(0)
        await self.before_answer(outcome)
        return None if outcome == REFUSED else room

    async def agent_joined(
        self, room: str, _within: float, *, excluding: Iterable[str] = ()
    ) -> float | None:
        """Now, or None when no agent joins this room."""
        del excluding
        self.looked.set()
        return None if self._outcome_of[room] in (SILENT, REFUSED) else time.monotonic()

    async def agents(self, room: str) -> set[str]:
        """One agent, or none."""
        return {"agent"} if await self.agent_joined(room, 0) else set()

    async def end(self, session: str) -> None:
        """Record the end."""
        self.ended.append(session)

    async def close(self, _room: str) -> None:
        """Do nothing."""

    async def session(self, session: str) -> dict[str, Any]:
        """Report every session as ended."""
        self.states_read.append(session)
        return {"status": "ended"}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_more: object) -> None: ...


def use(monkeypatch: pytest.MonkeyPatch, rooms: FakeRooms) -> Any:
    """A testbed that consists of these rooms."""

    @asynccontextmanager
    async def client_of(_services: object) -> AsyncIterator[FakeRooms]:
        yield rooms

    monkeypatch.setattr(measures, "client_of", client_of)
    monkeypatch.setattr(measures, "RoomWatch", lambda _services: rooms)
    monkeypatch.setattr(measures, "REST", 0.0)
    worker = SimpleNamespace(kill=lambda: None)
    monkeypatch.setattr(measures, "_job_of", lambda *_: (worker, 1))
    stack = SimpleNamespace(worker=worker, start_worker=lambda: None)
    return SimpleNamespace(targets={"ours": None}, stack=stack)


async def test_a_burst_is_watched_room_by_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """A burst watches each room from the start, so a late create does not delay other rooms' agents."""
    rooms = FakeRooms("quick", "slow")

    async def waits(outcome: str) -> None:
        if outcome == "slow":
            async with asyncio.timeout(5):
                await rooms.looked.wait()

    rooms.before_answer = waits
    at = use(monkeypatch, rooms)
    await measures.burst(at, [2], 1, 1)
    assert len(rooms.ended) == 2


async def test_dispatches_without_an_agent_are_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Dispatches without an agent are counted, except the first one, for which processes are not warm."""
    at = use(monkeypatch, FakeRooms(SILENT, "quick", SILENT, REFUSED))
    await measures.dispatch(at, 3, 1)
    output = capsys.readouterr().out
    assert "of 1; 2 of 3 without an agent" in output
    at = use(monkeypatch, FakeRooms(SILENT, SILENT))
    await measures.dispatch(at, 1, 1)
    assert "none; 1 of 1 without an agent" in capsys.readouterr().out


async def test_sessions_without_an_agent_are_no_kills(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sessions without an agent are no kills: their rows were final before anything was killed."""
    rooms = FakeRooms("quick", SILENT, REFUSED, "quick")
    at = use(monkeypatch, rooms)
    monkeypatch.setattr(measures, "cycle", lambda _: iter(["worker"]))
    await measures.final(at, 4, 4)
    assert len(rooms.states_read) == 2
    assert len(rooms.ended) == 1
    output = capsys.readouterr().out
    assert "0 of 2 never; 2 without an agent are left out" in output


@pytest.mark.parametrize(("count", "rank"), [(1, 1), (10, 10), (19, 19), (20, 19), (100, 95)])
def test_p95_is_the_nineteenth_of_twenty(count: int, rank: int) -> None:
    """p95 is the smallest value that 95 % of the values do not exceed."""
    assert f"p95 {rank}.00 s" in measures._spread([float(one + 1) for one in range(count)])
