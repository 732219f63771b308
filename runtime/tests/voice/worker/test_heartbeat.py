"""The worker's reports of its own state."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from livekit.agents import AgentServer
from prometheus_client import CollectorRegistry

from agent_runtime.domain.lease import WorkerState
from agent_runtime.domain.metrics import Turn
from agent_runtime.telemetry.turn_metrics import TurnMetrics
from agent_runtime.voice.jobs.stores import Stores
from agent_runtime.voice.worker import heartbeat
from agent_runtime.voice.worker.admission import Admission
from agent_runtime.voice.worker.heartbeat import DRAINING, Heartbeat
from agent_runtime.voice.worker.server import _refuse_until_started

from .offers import METADATA, Leases, admission_of, new_server


async def test_a_worker_s_row_has_the_sums_of_its_turns(stores: Stores) -> None:
    """The API, which knows workers by their rows only, gets the number and seconds of each turn metric."""
    turns = TurnMetrics(CollectorRegistry())
    turns.count(Turn(by_agent=True, response=500))
    turns.count(Turn(by_agent=True, response=700))
    admission = Admission(AgentServer(), "counting", 3, 100)
    admission.draining = True
    await Heartbeat("counting", admission, stores, turns).report(DRAINING)
    [row] = [one for one in await stores.workers.all() if one.name == "counting"]
    number, seconds = row.turns["response"]
    assert (number, round(seconds, 3)) == (2, 1.2)
    # A draining worker has no free calls, so that no worker of another test leaves a call to it.
    assert row.free == 0


async def test_a_call_that_is_taken_is_reported_at_once(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fewer free calls do not wait for the next report: the API would promise them to another session."""
    monkeypatch.setattr(heartbeat, "REPORT_INTERVAL", 3600.0)
    admission = Admission(AgentServer(), "reporting", 3, 100)
    reporting = asyncio.create_task(
        Heartbeat("reporting", admission, stores, TurnMetrics(CollectorRegistry())).run()
    )

    rows = stores.workers.all

    async def reported(free: int) -> None:
        async with asyncio.timeout(10):
            while free not in [one.free for one in await rows() if one.name == "reporting"]:  # noqa: ASYNC110 - a row has no event
                await asyncio.sleep(0.05)

    await reported(3)
    monkeypatch.setattr(admission, "remove_vanished", list)
    admission.jobs.add("job", "session")
    await reported(2)
    admission.draining = True
    await reported(0)
    reporting.cancel()
    await asyncio.wait([reporting])


class Rows:
    """A worker store that records the free calls reported to it."""

    def __init__(self) -> None:
        self.free: list[int] = []

    async def report(self, state: WorkerState, _since: Any) -> None:
        """Record the free calls."""
        self.free.append(state.free)

    async def all(self) -> list[WorkerState]:
        """Return no other worker."""
        return []


async def test_a_starting_worker_accepts_nothing() -> None:
    """Until the agent server has started it launches no job, and another worker can."""
    server, leases = new_server(), Leases()
    admission = admission_of(server, leases=leases)
    _refuse_until_started(server, admission)
    assert (admission.refusal_reason, admission.free_calls) == ("the worker is starting", 0)
    assert await admission.claim_directly("a", METADATA) is None
    assert leases.claimed == []
    server.emit("worker_started")
    assert (admission.refusal_reason, admission.free_calls) == (None, 2)


async def test_a_starting_worker_does_not_report() -> None:
    """Nothing is refused or queued because of a worker that starts; once started it reports at once."""
    server, rows = new_server(), Rows()
    admission = admission_of(server)
    _refuse_until_started(server, admission)
    stores = Stores(*[cast("Any", rows)] * 6)
    beat = Heartbeat("starting", admission, stores, TurnMetrics(CollectorRegistry()))
    reporting = asyncio.create_task(beat.run())
    await asyncio.sleep(0.3)
    assert rows.free == []
    server.emit("worker_started")
    await asyncio.sleep(0.3)
    assert rows.free == [2]
    reporting.cancel()
    await asyncio.wait([reporting])
