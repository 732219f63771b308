"""Deleting an agent while LiveKit answers slowly, or not at all."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from agent_runtime.application import agent_runtime
from agent_runtime.application.agent_runtime import MAX_REMOVALS, AgentRuntime
from agent_runtime.domain.errors import LiveKitUnavailable
from agent_runtime.domain.session import Session, new_session


class Rooms:
    """Stands in for LiveKit: takes `seconds` for a removal, and fails when `error` is set."""

    def __init__(self, seconds: float, error: Exception | None = None) -> None:
        self.seconds = seconds
        self.error = error
        self.now = self.most = self.removed = 0

    async def remove_agent(self, _session: Session) -> None:
        """Count the removals of now, then of ever."""
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(self.seconds)
            if self.error is not None:
                raise self.error
            self.removed += 1
        finally:
            self.now -= 1


def runtime_with(rooms: Rooms, count: int, *, had_agent: bool = False) -> AgentRuntime:
    """A runtime whose agent has so many sessions in these rooms."""
    sessions = [
        replace(new_session(7, 3, f"r{n}", None, now=datetime.now(UTC)), had_agent=had_agent)
        for n in range(count)
    ]

    async def unregister(_agent_id: int, _tenant_id: int | None) -> list[Session]:
        return sessions

    nothing = cast("Any", None)
    return AgentRuntime(
        agents=cast("Any", SimpleNamespace(unregister=unregister)), sessions=nothing,
        metrics=nothing, rooms=cast("Any", rooms), database=nothing, default_max_sessions=10,
        providers=nothing,
    )  # fmt: skip


async def test_all_agents_are_removed_together() -> None:
    """A hundred agents are removed at the same time, though not more than a few at once."""
    rooms = Rooms(0.1)
    began = asyncio.get_running_loop().time()
    await runtime_with(rooms, 100).unregister(7)
    assert asyncio.get_running_loop().time() - began < 5  # one after another they take 10 s
    assert (rooms.removed, rooms.most) == (100, MAX_REMOVALS)


@pytest.mark.parametrize("count", [1, 6, 300])
async def test_a_livekit_that_hangs_is_waited_for_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, count: int
) -> None:
    """When LiveKit never answers, the delete ends at one deadline, however many sessions there are."""
    monkeypatch.setattr(agent_runtime, "REMOVAL_DEADLINE", 0.2)
    rooms = Rooms(3600)
    began = asyncio.get_running_loop().time()
    await runtime_with(rooms, count).unregister(7)
    assert 0.15 < asyncio.get_running_loop().time() - began < 5
    assert rooms.now == 0
    assert f"not all agents of {count} sessions are removed" in caplog.text


async def test_one_agent_that_is_not_removed_keeps_no_other() -> None:
    """An agent that LiveKit cannot remove now leaves by itself, and the others are removed all the same."""
    rooms = Rooms(0.0, LiveKitUnavailable("refused"))
    await runtime_with(rooms, 3).unregister(7)
    assert rooms.most == 3


async def test_agents_that_talk_may_leave_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that has joined its room is removed a while after the answer; a stop drops the removal."""
    monkeypatch.setattr(agent_runtime, "LEAVING", 0.05)
    rooms = Rooms(0.0)
    await runtime_with(rooms, 3, had_agent=True).unregister(7)
    assert rooms.removed == 0
    async with asyncio.timeout(5):
        while rooms.removed < 3:  # noqa: ASYNC110 - the stand-in sets no event
            await asyncio.sleep(0.01)
    stopped = runtime_with(rooms, 3, had_agent=True)
    await stopped.unregister(7)
    stopped.stop()
    await asyncio.sleep(0.1)
    assert rooms.removed == 3


async def test_removals_that_wait_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """When many removals wait already, further agents are removed at once."""
    monkeypatch.setattr(agent_runtime, "MAX_LEAVING", 1)
    rooms = Rooms(0.0)
    runtime = runtime_with(rooms, 3, had_agent=True)
    await runtime.unregister(7)
    assert rooms.removed == 0
    await runtime.unregister(7)
    assert rooms.removed == 3
    runtime.stop()
