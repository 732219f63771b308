"""Jobs that a worker has taken and does not see yet, and times in which it takes none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast

import pytest
from livekit.agents.job import JobAcceptArguments
from prometheus_client import CollectorRegistry

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.domain.lease import WorkerState
from agent_runtime.telemetry.turn_metrics import TurnMetrics
from agent_runtime.voice.jobs.stores import Stores
from agent_runtime.voice.worker import admission as admission_module
from agent_runtime.voice.worker.admission import Admission
from agent_runtime.voice.worker.heartbeat import Heartbeat
from agent_runtime.voice.worker.server import _take_nothing_before_start

from .offers import METADATA, Clock, Leases, Offer, Server, admission_of


@pytest.fixture
def server() -> Server:
    """A server without calls."""
    return Server(ws_url="ws://127.0.0.1:1", api_key="key", api_secret="secret")


@contextmanager
def a_minute_later(admission: Admission) -> Iterator[None]:
    """By its clock."""
    clock = cast("Clock", admission._clock)
    clock.now += 60
    yield
    clock.now -= 60


async def test_a_job_is_not_missed_while_it_waits_for_its_process(server: Server) -> None:
    """On a machine that is slow a launch takes longer than LiveKit's assignment may."""
    admission = admission_of(server, leases=Leases())
    claimed = await admission.claim_unoffered("a", METADATA)
    assert claimed is not None
    with admission.launching(claimed), a_minute_later(admission):
        assert admission.vanished() == []
        server.unoffered = (claimed.holder,)
    with a_minute_later(admission):
        assert admission.vanished() == []
    assert list(admission.taken) == [claimed.holder]


@pytest.mark.parametrize("comes", [True, False])
async def test_an_accepted_job_is_missed_only_when_nobody_starts_it(
    server: Server, comes: bool
) -> None:
    """The agent server waits for LiveKit's assignment and then for a process, and says how it went."""
    admission = admission_of(server, leases=Leases())
    offer = Offer("a", METADATA)

    async def accept(_arguments: JobAcceptArguments) -> None:
        with a_minute_later(admission):
            assert admission.vanished() == []
        if not comes:
            raise TimeoutError
        server.jobs = (offer.request.id,)

    offer.request._on_accept = accept
    with suppress(TimeoutError):
        await admission.answer(offer.request)
    with a_minute_later(admission):
        assert [job for job, _ in admission.vanished()] == ([] if comes else [offer.request.id])


async def test_a_job_that_comes_after_all_counts(server: Server) -> None:
    """It was given up, and runs: it has a place, and when it dies its session is given back again."""
    admission = admission_of(server)
    offer = Offer("a", METADATA)
    await admission.answer(offer.request)
    with a_minute_later(admission):
        ((job, _),) = admission.vanished()
    assert (job, admission.free) == (offer.request.id, 2)
    server.jobs = (job,)
    assert admission.vanished() == []
    assert (list(admission.taken), admission.free) == ([job], 1)
    server.jobs = ()
    assert [(gone, taken.session_id) for gone, taken in admission.vanished()] == [(job, "abc")]
    assert admission.vanished() == []


async def test_what_never_comes_is_not_remembered_for_ever(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker lives for months."""
    monkeypatch.setattr(admission_module, "MOST_LATE", 2)
    admission = admission_of(server, 5)
    offers = [Offer("a", METADATA) for _ in range(4)]
    for offer in offers:
        await admission.answer(offer.request)
    with a_minute_later(admission):
        assert len(admission.vanished()) == 4
    server.jobs = tuple(offer.request.id for offer in offers)
    admission.vanished()
    assert sorted(admission.taken) == sorted(offer.request.id for offer in offers[2:])


async def test_a_worker_that_starts_takes_nothing(server: Server) -> None:
    """It launches no job before its processes are warm, and another worker can."""
    leases = Leases()
    admission = admission_of(server, leases=leases)
    _take_nothing_before_start(server, admission)
    assert (admission.why_not, admission.free) == ("the worker is starting", 0)
    assert await admission.claim_unoffered("a", METADATA) is None
    assert leases.claimed == []
    server.emit("worker_started")
    assert (admission.why_not, admission.free) == (None, 2)


@pytest.mark.parametrize("is_away", [False, True])
async def test_what_is_claimed_when_the_signal_comes_is_given_back(
    server: Server, is_away: bool
) -> None:
    """No process is started for it any more; without the database its lease runs out by itself."""
    leases = Leases()
    admission = admission_of(server, leases=leases)

    def on_claim() -> None:
        admission.draining = True
        if is_away:
            leases.error = StoreUnavailable("away")

    leases.on_claim = on_claim
    assert await admission.claim_unoffered("a", METADATA) is None
    assert admission.taken == {}
    assert [session for session, _ in leases.claimed] == ["abc"]
    assert leases.released == ([] if is_away else leases.claimed)


class Rows:
    """The rows of the workers."""

    def __init__(self) -> None:
        self.told: list[int] = []

    async def report(self, instance: WorkerState, _since: Any) -> None:
        """Remember its free places."""
        self.told.append(instance.free)

    async def all(self) -> list[WorkerState]:
        """Nobody else is there."""
        return []


async def test_a_worker_that_starts_is_not_counted_on(server: Server) -> None:
    """It says nothing of itself, so nothing is refused or waits because of it; then it speaks at once."""
    admission, rows = admission_of(server), Rows()
    _take_nothing_before_start(server, admission)
    stores = Stores(*[cast("Any", rows)] * 6)
    presence = Heartbeat("starting", admission, stores, TurnMetrics(CollectorRegistry()))
    telling = asyncio.create_task(presence.run())
    await asyncio.sleep(0.3)
    assert rows.told == []
    server.emit("worker_started")
    await asyncio.sleep(0.3)
    assert rows.told == [2]
    telling.cancel()
    await asyncio.wait([telling])
