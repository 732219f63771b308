"""What the measurements of reliability count, and what they leave out and say so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, Self

import pytest

from load.reliability import measures

# Before and after the name of a room: sessions that are refused, and those to which no agent comes.
REFUSED, SILENT = "refused", "silent"


class Rooms:
    """API and LiveKit as one: what becomes of the rooms, in the order in which they are made."""

    def __init__(self, *fates: str) -> None:
        self._fates = list(fates)
        self._fate_of: dict[str, str] = {}
        self.before_answer: Callable[[str], Any] = lambda _room: asyncio.sleep(0)
        self.looked = asyncio.Event()
        self.ended: list[str] = []
        self.asked: list[str] = []

    async def create(self, room: str) -> str | None:
        """The session has the name of its room."""
        fate = self._fate_of[room] = self._fates.pop(0)
        await self.before_answer(fate)
        return None if fate == REFUSED else room

    async def agent_joined(
        self, room: str, _within: float, *, excluding: Iterable[str] = ()
    ) -> float | None:
        """At once, if ever."""
        del excluding
        self.looked.set()
        return None if self._fate_of[room] in (SILENT, REFUSED) else time.monotonic()

    async def agents(self, room: str) -> set[str]:
        """One, or none."""
        return {"agent"} if await self.agent_joined(room, 0) else set()

    async def end(self, session: str) -> None:
        """Noted."""
        self.ended.append(session)

    async def close(self, _room: str) -> None:
        """Nothing is open."""

    async def session(self, session: str) -> dict[str, Any]:
        """All are over."""
        self.asked.append(session)
        return {"status": "ended"}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_more: object) -> None: ...


def use(monkeypatch: pytest.MonkeyPatch, rooms: Rooms) -> Any:
    """A testbed with these rooms only."""

    @asynccontextmanager
    async def client_of(_services: object) -> AsyncIterator[Rooms]:
        yield rooms

    monkeypatch.setattr(measures, "client_of", client_of)
    monkeypatch.setattr(measures, "RoomWatch", lambda _services: rooms)
    monkeypatch.setattr(measures, "REST", 0.0)
    worker = SimpleNamespace(kill=lambda: None)
    monkeypatch.setattr(measures, "_job_of", lambda *_: (worker, 1))
    stack = SimpleNamespace(worker=worker, start_worker=lambda: None)
    return SimpleNamespace(targets={"ours": None}, stack=stack)


async def test_a_burst_is_watched_room_by_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """A create that is answered late must not make the agents of the others look late."""
    rooms = Rooms("quick", "slow")

    async def waits(fate: str) -> None:
        if fate == "slow":
            async with asyncio.timeout(5):
                await rooms.looked.wait()

    rooms.before_answer = waits
    at = use(monkeypatch, rooms)
    await measures.burst(at, [2], 1, 1)
    assert len(rooms.ended) == 2


async def test_dispatches_to_which_no_agent_joined_are_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first of all is not warm and counts for nothing."""
    at = use(monkeypatch, Rooms(SILENT, "quick", SILENT, REFUSED))
    await measures.dispatch(at, 3, 1)
    said = capsys.readouterr().out
    assert "of 1; 2 of 3 without an agent" in said
    at = use(monkeypatch, Rooms(SILENT, SILENT))
    await measures.dispatch(at, 1, 1)
    assert "none; 1 of 1 without an agent" in capsys.readouterr().out


async def test_sessions_without_an_agent_are_no_kills(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their rows were final before anything was killed."""
    rooms = Rooms("quick", SILENT, REFUSED, "quick")
    at = use(monkeypatch, rooms)
    monkeypatch.setattr(measures, "cycle", lambda _: iter(["worker"]))
    await measures.final(at, 4, 4)
    assert len(rooms.asked) == 2
    assert len(rooms.ended) == 1
    said = capsys.readouterr().out
    assert "0 of 2 never; 2 without an agent are left out" in said


@pytest.mark.parametrize(("count", "rank"), [(1, 1), (10, 10), (19, 19), (20, 19), (100, 95)])
def test_of_twenty_the_nineteenth_is_the_95th_percentile(count: int, rank: int) -> None:
    """The smallest that 95 % do not exceed."""
    assert f"p95 {rank}.00 s" in measures._spread([float(one + 1) for one in range(count)])
