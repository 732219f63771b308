"""Creates are accepted while workers have capacity, and refused when they have none."""

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
    """The rows of workers that have reported, and of live sessions."""

    def __init__(self, workers: Sequence[WorkerState], sessions: Sequence[LiveSession]) -> None:
        self.workers = workers
        self.sessions = sessions

    async def all(self) -> Sequence[WorkerState]:
        """The workers, after a turn of the event loop."""
        await asyncio.sleep(0)
        return self.workers

    async def live(self) -> Sequence[LiveSession]:
        """The sessions."""
        return self.sessions


def worker(name: str, *, active: int, free: int) -> WorkerState:
    """A worker that has reported."""
    return WorkerState(name, "1", "running", active=active, free=free)


def held(worker: str) -> LiveSession:
    """A session whose agent talks on `worker`."""
    session = new_session(7, 3, "room")
    return LiveSession(session, Phase.TALKING, Holder("job", worker), beats=1, dispatches=1)


ASKED = LiveSession(new_session(7, 3, "room"), Phase.ASKED, None, beats=0, dispatches=1)
WAITING = LiveSession(new_session(7, 3, "room"), Phase.WAITING, None, beats=0, dispatches=1)


@pytest.mark.parametrize(
    ("workers", "sessions", "free"),
    [
        ([worker("one", active=1, free=2)], [held("one")], 2),
        # The worker took one call after its last report, which the next report will include.
        ([worker("one", active=1, free=2)], [held("one"), held("one")], 1),
        ([worker("one", active=1, free=1)], [held("one"), held("one"), held("one")], 0),
        ([worker("one", active=1, free=2)], [held("one"), ASKED], 1),
        # A session that was created earlier and waits comes first.
        ([worker("one", active=1, free=2)], [held("one"), WAITING], 1),
        ([worker("one", active=0, free=1), worker("two", active=2, free=2)], [held("one")], 2),
        # A call is over, but its process still runs.
        ([worker("one", active=3, free=1)], [held("one")], 1),
    ],
)
async def test_as_many_creates_are_accepted_as_get_an_agent(
    workers: Sequence[WorkerState], sessions: Sequence[LiveSession], free: int
) -> None:
    """Creates up to the free capacity are accepted; the next one is told when to try again."""
    rows = Rows(workers, sessions)
    availability = WorkerAvailability(cast("WorkerStore", rows), cast("LeaseStore", rows))
    for _ in range(free):
        assert await availability.retry_after() is None
    assert await availability.retry_after() == RETRY_AFTER


async def test_without_any_report_a_session_is_queued() -> None:
    """While no worker has reported, creates are accepted: workers may be about to start."""
    rows = Rows([], [])
    availability = WorkerAvailability(cast("WorkerStore", rows), cast("LeaseStore", rows))
    assert await availability.retry_after() is None


async def test_simultaneous_creates_share_the_free_capacity() -> None:
    """Of five creates at once, for which the rows are read once, two get the two free places."""
    rows = Rows([worker("one", active=0, free=2)], [])
    availability = WorkerAvailability(cast("WorkerStore", rows), cast("LeaseStore", rows))
    answers = await asyncio.gather(*(availability.retry_after() for _ in range(5)))
    assert answers == [None, None, RETRY_AFTER, RETRY_AFTER, RETRY_AFTER]
