"""Accepted jobs whose processes do not run yet, and processes that have ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import cast

import pytest
from livekit.agents.job import JobAcceptArguments

from agent_runtime.voice.worker import accepted_jobs
from agent_runtime.voice.worker.admission import Admission

from .offers import METADATA, Clock, Leases, Offer, Server, admission_of, new_server


@pytest.fixture
def server() -> Server:
    """A server without calls."""
    return new_server()


@contextmanager
def a_minute_later(admission: Admission) -> Iterator[None]:
    """Advance the admission's clock by a minute, and set it back."""
    clock = cast("Clock", admission._clock)
    clock.now += 60
    yield
    clock.now -= 60


async def test_a_job_whose_process_has_ended_vanishes_once(server: Server) -> None:
    """A job that was seen running and is no more frees its call, and is returned once."""
    admission = admission_of(server)
    offer = Offer("any-room", METADATA)
    await admission.answer(offer.request)
    assert admission.remove_vanished() == []  # it does not run yet
    server.jobs = (offer.request.id,)
    assert admission.remove_vanished() == []
    server.jobs = ()
    ((job, accepted),) = admission.remove_vanished()
    assert (job, accepted.session_id) == (offer.request.id, "abc")
    assert (admission.remove_vanished(), admission.free_calls) == ([], 2)


async def test_a_job_does_not_time_out_during_its_launch(server: Server) -> None:
    """On a slow machine a launch takes longer than the assignment timeout; the job stays."""
    admission = admission_of(server, leases=Leases())
    claimed = await admission.claim_directly("a", METADATA)
    assert claimed is not None
    with admission.launching(claimed), a_minute_later(admission):
        assert admission.remove_vanished() == []
        server.direct = (claimed.holder,)
    with a_minute_later(admission):
        assert admission.remove_vanished() == []
    assert list(admission.jobs.current) == [claimed.holder]


@pytest.mark.parametrize("starts", [True, False])
async def test_an_accepted_job_times_out_only_when_nobody_starts_it(
    server: Server, starts: bool
) -> None:
    """While the agent server waits for assignment and process the job stays; afterwards it times out."""
    admission = admission_of(server, leases=Leases())
    offer = Offer("a", METADATA)

    async def accept(_arguments: JobAcceptArguments) -> None:
        with a_minute_later(admission):
            assert admission.remove_vanished() == []
        if not starts:
            raise TimeoutError
        server.jobs = (offer.request.id,)

    offer.request._on_accept = accept
    with suppress(TimeoutError):
        await admission.answer(offer.request)
    vanished = [] if starts else [offer.request.id]
    with a_minute_later(admission):
        assert [job for job, _ in admission.remove_vanished()] == vanished


async def test_a_job_that_starts_after_its_timeout_counts(server: Server) -> None:
    """A late job counts as a call, and vanishes again when its process dies."""
    admission = admission_of(server)
    offer = Offer("a", METADATA)
    await admission.answer(offer.request)
    with a_minute_later(admission):
        ((job, _),) = admission.remove_vanished()
    assert (job, admission.free_calls) == (offer.request.id, 2)
    server.jobs = (job,)
    assert admission.remove_vanished() == []
    assert (list(admission.jobs.current), admission.free_calls) == ([job], 1)
    server.jobs = ()
    vanished = admission.remove_vanished()
    assert [(gone, accepted.session_id) for gone, accepted in vanished] == [(job, "abc")]
    assert admission.remove_vanished() == []


async def test_only_the_latest_timed_out_jobs_are_remembered(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker runs for months: of jobs that never start it remembers MAX_LATE_JOBS."""
    monkeypatch.setattr(accepted_jobs, "MAX_LATE_JOBS", 2)
    admission = admission_of(server, 5)
    offers = [Offer("a", METADATA) for _ in range(4)]
    for offer in offers:
        await admission.answer(offer.request)
    with a_minute_later(admission):
        assert len(admission.remove_vanished()) == 4
    server.jobs = tuple(offer.request.id for offer in offers)
    admission.remove_vanished()
    expected = sorted(offer.request.id for offer in offers[2:])
    assert sorted(admission.jobs.current) == expected
