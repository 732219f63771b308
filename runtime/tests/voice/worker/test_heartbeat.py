"""What the worker tells of itself."""

from __future__ import annotations

import asyncio

import pytest
from livekit.agents import AgentServer
from prometheus_client import CollectorRegistry

from agent_runtime.domain.metrics import Turn
from agent_runtime.telemetry.turn_metrics import TurnMetrics
from agent_runtime.voice.jobs.stores import Stores
from agent_runtime.voice.worker import heartbeat as presence
from agent_runtime.voice.worker.admission import Admission, Taken
from agent_runtime.voice.worker.heartbeat import DRAINING, Heartbeat


async def test_its_row_has_the_sums_of_its_turns(stores: Stores) -> None:
    """For the API, which knows of workers what the database says."""
    turns = TurnMetrics(CollectorRegistry())
    turns.count(Turn(by_agent=True, response=500))
    turns.count(Turn(by_agent=True, response=700))
    admission = Admission(AgentServer(), "counting", 3, 100)
    admission.draining = True
    await Heartbeat("counting", admission, stores, turns).report(DRAINING)
    [row] = [one for one in await stores.workers.all() if one.name == "counting"]
    number, seconds = row.turns["response"]
    assert (number, round(seconds, 3)) == (2, 1.2)
    # One that leaves takes nothing: no other test's worker leaves a call to it.
    assert row.free == 0


async def test_a_place_that_is_taken_is_told_at_once(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the API would give it to somebody else, who would wait."""
    monkeypatch.setattr(presence, "TELL_EVERY", 3600.0)
    admission = Admission(AgentServer(), "telling", 3, 100)
    telling = asyncio.create_task(
        Heartbeat("telling", admission, stores, TurnMetrics(CollectorRegistry())).run()
    )

    rows = stores.workers.all

    async def told(free: int) -> None:
        async with asyncio.timeout(10):
            while free not in [one.free for one in await rows() if one.name == "telling"]:  # noqa: ASYNC110 - a row tells nobody
                await asyncio.sleep(0.05)

    await told(3)
    monkeypatch.setattr(admission, "vanished", list)
    admission.taken["job"] = Taken("session", 0.0)
    await told(2)
    admission.draining = True
    await told(0)
    telling.cancel()
    await asyncio.wait([telling])
