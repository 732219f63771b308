"""What the worker tells of itself."""

from __future__ import annotations

from livekit.agents import AgentServer
from prometheus_client import CollectorRegistry

from agent_runtime.domain.metrics import Turn
from agent_runtime.voice.admission import Admission
from agent_runtime.voice.live_figures import TurnFigures
from agent_runtime.voice.presence import DRAINING, Presence
from agent_runtime.voice.stores import Stores


async def test_its_row_has_the_sums_of_its_turns(stores: Stores) -> None:
    """For the API, which knows of workers what the database says."""
    turns = TurnFigures(CollectorRegistry())
    turns.count(Turn(by_agent=True, response=500))
    turns.count(Turn(by_agent=True, response=700))
    admission = Admission(AgentServer(), "counting", 3, 100)
    admission.draining = True
    await Presence("counting", admission, stores, turns).tell(DRAINING)
    [row] = [one for one in await stores.instances.all() if one.name == "counting"]
    number, seconds = row.turns["response"]
    assert (number, round(seconds, 3)) == (2, 1.2)
    # One that leaves takes nothing: no other test's worker leaves a call to it.
    assert row.free == 0
