"""Whether a create is answered by a place that is still free."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

import pytest

from agent_runtime.application.availability import RETRY_AFTER, WorkerAvailability
from agent_runtime.domain.lease import Holder, LiveSession, Phase, WorkerState
from agent_runtime.domain.ports.sessions import LeaseStore
from agent_runtime.domain.ports.workers import WorkerStore
from agent_runtime.domain.session import new_session


class Rows:
    """What the database says: of workers that spoke, and of sessions that live."""

    def __init__(self, workers: Sequence[WorkerState], sessions: Sequence[LiveSession]) -> None:
        self.workers = workers
        self.sessions = sessions

    async def all(self) -> Sequence[WorkerState]:
        """The workers, after a while."""
        await asyncio.sleep(0)
        return self.workers

    async def live(self) -> Sequence[LiveSession]:
        """The sessions."""
        return self.sessions


def worker(name: str, *, active: int, free: int) -> WorkerState:
    """One that has spoken."""
    return WorkerState(name, "1", "running", active=active, free=free)


def held(worker: str) -> LiveSession:
    """A session with its agent."""
    session = new_session(7, 3, "room")
    return LiveSession(session, Phase.TALKING, Holder("job", worker), beats=1, dispatches=1)


ASKED = LiveSession(new_session(7, 3, "room"), Phase.ASKED, None, beats=0, dispatches=1)
WAITING = LiveSession(new_session(7, 3, "room"), Phase.WAITING, None, beats=0, dispatches=1)


@pytest.mark.parametrize(
    ("workers", "sessions", "free"),
    [
        ([worker("one", active=1, free=2)], [held("one")], 2),
        # It has taken one since it spoke; its row will say so in a moment.
        ([worker("one", active=1, free=2)], [held("one"), held("one")], 1),
        ([worker("one", active=1, free=1)], [held("one"), held("one"), held("one")], 0),
        ([worker("one", active=1, free=2)], [held("one"), ASKED], 1),
        # Whoever came before and waits comes first.
        ([worker("one", active=1, free=2)], [held("one"), WAITING], 1),
        ([worker("one", active=0, free=1), worker("two", active=2, free=2)], [held("one")], 2),
        # A call that is over, and whose process is still there.
        ([worker("one", active=3, free=1)], [held("one")], 1),
    ],
)
async def test_only_so_many_creates_are_taken_as_get_an_agent(
    workers: Sequence[WorkerState], sessions: Sequence[LiveSession], free: int
) -> None:
    """The next one is told when to come again."""
    rows = Rows(workers, sessions)
    places = WorkerAvailability(cast("WorkerStore", rows), cast("LeaseStore", rows))
    for _ in range(free):
        assert await places.retry_after() is None
    assert await places.retry_after() == RETRY_AFTER


async def test_without_a_word_of_any_worker_a_session_may_wait() -> None:
    """They may be about to start."""
    rows = Rows([], [])
    places = WorkerAvailability(cast("WorkerStore", rows), cast("LeaseStore", rows))
    assert await places.retry_after() is None


async def test_those_who_come_at_once_share_what_is_free() -> None:
    """Also while the rows are being read for the first of them."""
    rows = Rows([worker("one", active=0, free=2)], [])
    places = WorkerAvailability(cast("WorkerStore", rows), cast("LeaseStore", rows))
    answers = await asyncio.gather(*(places.retry_after() for _ in range(5)))
    assert answers == [None, None, RETRY_AFTER, RETRY_AFTER, RETRY_AFTER]
