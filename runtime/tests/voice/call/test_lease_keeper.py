"""What a call makes of the answers to its heartbeats."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

import pytest

from agent_runtime.domain.errors import (
    RoomTaken,
    SessionHeld,
    SessionNotFound,
    StoreUnavailable,
)
from agent_runtime.domain.lease import Holder, Holding
from agent_runtime.domain.ports.sessions import SessionStore
from agent_runtime.voice.call.lease_keeper import LeaseKeeper

HOLDER = Holder("AJ_1", "worker-one")


class Sessions:
    """Answers heartbeats by a list; the last is for ever."""

    def __init__(
        self, answers: Sequence[Holding | Exception], activation: Exception | None
    ) -> None:
        self._answers = list(answers)
        self._activation = activation
        self.beats = 0
        self.activated = 0

    async def heartbeat(self, _session_id: str, _holder: Holder) -> Holding:
        """The next answer."""
        self.beats += 1
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def activate(self, _session_id: str, _holder: Holder) -> None:
        """Take it back, or fail."""
        self.activated += 1
        if self._activation is not None:
            raise self._activation


async def kept(
    *answers: Holding | Exception, heard: bool = True, activation: Exception | None = None
) -> tuple[Sessions, list[str]]:
    """Keep the lease for a while, or until it ends; what was called."""
    sessions, called = Sessions(answers, activation), []  # type: ignore[var-annotated]
    keeper = LeaseKeeper(
        cast("SessionStore", sessions),
        "abc",
        HOLDER,
        interval=0.001,
        is_heard=lambda: heard,
        on_over=lambda: called.append("over"),
        on_lost=called.append,
    )
    try:
        await asyncio.wait_for(keeper.run(), 0.05)
    except TimeoutError:
        called.append("still ours")
    return sessions, called


async def test_it_is_renewed_again_and_again() -> None:
    """Also after a time in which the database was away."""
    sessions, called = await kept(Holding.OURS, StoreUnavailable("away"), Holding.OURS)
    assert sessions.beats > 3
    assert called == ["still ours"]


@pytest.mark.parametrize("beats", [[ValueError("bad row"), Holding.OURS], [Holding.FREE]])
async def test_whatever_the_database_says_the_next_beat_comes(
    beats: list[Holding | Exception], caplog: pytest.LogCaptureFixture
) -> None:
    """An agent without heartbeats would have another one beside it; the log has the trace."""
    sessions, called = await kept(*beats, activation=ValueError("bad row"))
    assert sessions.beats > 2
    assert called == ["still ours"]
    assert "ValueError: bad row" in caplog.text


async def test_a_session_that_was_ended_is_over() -> None:
    """Once, and no beat follows."""
    sessions, called = await kept(Holding.OURS, Holding.OVER)
    assert (sessions.beats, called) == (2, ["over"])


async def test_a_session_of_another_job_is_lost() -> None:
    """Once, and no beat follows."""
    sessions, called = await kept(Holding.THEIRS)
    assert (sessions.beats, called) == (1, ["another job has the session"])


async def test_a_session_that_nobody_has_yet_is_taken_back() -> None:
    """After having been cut off, while the queue has not moved."""
    sessions, called = await kept(Holding.FREE, Holding.OURS)
    assert (sessions.activated, called) == (1, ["still ours"])


@pytest.mark.parametrize("error", [SessionHeld("abc"), SessionNotFound("abc"), RoomTaken("lobby")])
async def test_taken_back_too_late_is_lost(error: Exception) -> None:
    """Somebody was faster."""
    _, called = await kept(Holding.FREE, activation=error)
    assert called == [str(error)]


async def test_who_is_not_heard_does_not_renew() -> None:
    """Without a connection to the room another agent may come."""
    sessions, called = await kept(Holding.OURS, heard=False)
    assert (sessions.beats, called) == (0, ["still ours"])
