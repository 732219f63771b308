"""What a call does after each answer to its heartbeats."""

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
    """Answers heartbeats with the test's answers, one by one; the last one repeats."""

    def __init__(
        self, answers: Sequence[Holding | Exception], activation: Exception | None
    ) -> None:
        self._answers = list(answers)
        self._activation = activation
        self.beats = 0
        self.activated = 0

    async def heartbeat(self, _session_id: str, _holder: Holder) -> Holding:
        """Give the next answer."""
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
    *answers: Holding | Exception, connected: bool = True, activation: Exception | None = None
) -> tuple[Sessions, list[str]]:
    """Keep the lease for 50 ms, or until it is lost; returns the sessions and the callbacks that ran."""
    sessions, called = Sessions(answers, activation), []  # type: ignore[var-annotated]
    keeper = LeaseKeeper(
        cast("SessionStore", sessions),
        "abc",
        HOLDER,
        interval=0.001,
        is_connected=lambda: connected,
        on_ended=lambda: called.append("over"),
        on_lost=called.append,
    )
    try:
        await asyncio.wait_for(keeper.run(), 0.05)
    except TimeoutError:
        called.append("still ours")
    return sessions, called


async def test_it_is_renewed_again_and_again() -> None:
    """Heartbeats go on, also after a time in which the database was unavailable."""
    sessions, called = await kept(Holding.OURS, StoreUnavailable("away"), Holding.OURS)
    assert sessions.beats > 3
    assert called == ["still ours"]


@pytest.mark.parametrize("beats", [[ValueError("bad row"), Holding.OURS], [Holding.FREE]])
async def test_an_unexpected_error_does_not_stop_the_heartbeats(
    beats: list[Holding | Exception], caplog: pytest.LogCaptureFixture
) -> None:
    """An untranslated error is logged with its trace, and the next heartbeat follows."""
    sessions, called = await kept(*beats, activation=ValueError("bad row"))
    assert sessions.beats > 2
    assert called == ["still ours"]
    assert "ValueError: bad row" in caplog.text


async def test_a_session_that_was_ended_is_over() -> None:
    """A session that was ended elsewhere is reported once, and no heartbeat follows."""
    sessions, called = await kept(Holding.OURS, Holding.OVER)
    assert (sessions.beats, called) == (2, ["over"])


async def test_a_session_of_another_job_is_lost() -> None:
    """A session that another job holds is reported once, and no heartbeat follows."""
    sessions, called = await kept(Holding.THEIRS)
    assert (sessions.beats, called) == (1, ["another job has the session"])


async def test_a_session_that_no_job_holds_is_taken_back() -> None:
    """A lease that was taken from a job that was cut off is taken back while no other job holds it."""
    sessions, called = await kept(Holding.FREE, Holding.OURS)
    assert (sessions.activated, called) == (1, ["still ours"])


@pytest.mark.parametrize("error", [SessionHeld("abc"), SessionNotFound("abc"), RoomTaken("lobby")])
async def test_taken_back_too_late_is_lost(error: Exception) -> None:
    """A session that another job took, or that is gone, is lost with the error's text."""
    _, called = await kept(Holding.FREE, activation=error)
    assert called == [str(error)]


async def test_without_a_connection_the_lease_is_not_renewed() -> None:
    """An agent that no caller hears sends no heartbeat, so that another one may come."""
    sessions, called = await kept(Holding.OURS, connected=False)
    assert (sessions.beats, called) == (0, ["still ours"])
