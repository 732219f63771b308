"""The exploration: it finds deep faults, shrinks them, and agrees with the Node.js stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from contract.agent_api.explore.machine import explore
from contract.agent_api.explore.operations import Create, End, Operation, Register
from contract.agent_api.explore.promoted import promote
from contract.agent_api.explore.reference import Agent, Contract, Node, Reply, Session
from contract.agent_api.explore.services import Live
from contract.agent_api.services.old_service import OldService


@dataclass
class Planted:
    """A service in this process that follows the contract, but for one fault."""

    make: Callable[[], Contract]
    name: str = "planted"
    inner: Contract = field(default_factory=Contract)

    def fresh(self) -> Contract:
        """Forget everything."""
        self.inner = self.make()
        return Contract()

    def reply(self, operation: Operation) -> Reply:
        """Answer."""
        return self.inner.reply(operation)


class ForgetsOnRegistration(Contract):
    """A second registration ends the agent's sessions."""

    def register(self, agent: int, tenant: int, limit: int | None) -> Reply:
        """End them."""
        for session in self.live_of(agent) if agent in self.agents else []:
            session.live = False
        return super().register(agent, tenant, limit)


class MovesOnRegistration(Contract):
    """A second registration moves the agent to the end of the list."""

    def register(self, agent: int, tenant: int, limit: int | None) -> Reply:
        """Move it."""
        self.agents.pop(agent, None)
        return super().register(agent, tenant, limit)


class EndsTheRoom(Contract):
    """The end of a session ends all sessions of its room."""

    def end(self, number: int) -> Reply:
        """End them."""
        ended = self.sessions[number]
        for other in self.sessions:
            if ended is not None and other is not None and other.room == ended.room:
                other.live = False
        return super().end(number)


class FreesTwice(Contract):
    """A second end of a session frees a second place."""

    def __init__(self) -> None:
        super().__init__()
        self.free: dict[int, int] = {}

    def end(self, number: int) -> Reply:
        """Count the repeated ends."""
        session = self.sessions[number]
        if session is not None and not session.live:
            self.free[session.agent] = self.free.get(session.agent, 0) + 1
        return super().end(number)

    def busy(self, agent: int) -> int:
        """Too few."""
        return max(0, super().busy(agent) - self.free.get(agent, 0))


class Resurrects(Contract):
    """An agent that is registered again after its deletion has its sessions back."""

    def register(self, agent: int, tenant: int, limit: int | None) -> Reply:
        """Wake them."""
        for session in self.sessions if agent not in self.agents else []:
            if session is not None and session.agent == agent:
                session.live = True
        return super().register(agent, tenant, limit)


class KeepsTheFirstLimit(Contract):
    """A second registration does not change the limit."""

    def register(self, agent: int, tenant: int, limit: int | None) -> Reply:
        """Keep it."""
        known = self.agents.get(agent)
        return super().register(agent, tenant, limit if known is None else known.limit)


class MovesSessionsToTheTenant(Contract):
    """A registration with another tenant takes the agent's sessions along."""

    def register(self, agent: int, tenant: int, limit: int | None) -> Reply:
        """Take them along."""
        for session in self.sessions:
            if session is not None and session.agent == agent:
                session.tenant = tenant
        return super().register(agent, tenant, limit)


class DeletesByPrefix(Contract):
    """The deletion of agent 7 ends the sessions of agent 77."""

    def delete(self, agent: int) -> Reply:
        """End them."""
        for session in self.sessions:
            if session is not None and str(session.agent).startswith(str(agent)):
                session.live = False
        return super().delete(agent)


class CountsSessionsForAgents(Contract):
    """A tenant's active agents are its live sessions."""

    def tenant_figures(self, tenant: int) -> Reply:
        """Count them."""
        found = super().tenant_figures(tenant)
        live = [s for s in self.sessions if s is not None and s.tenant == tenant and s.live]
        return Reply(200, {**found.body, "activeAgents": len(live)})


class LosesAPlace(Contract):
    """A create that is refused for capacity takes a place once another session ends."""

    def create(self, asked: Create) -> Reply:
        """Take it."""
        found = super().create(asked)
        if "at capacity" in str(found.body):
            for session in self.live_of(asked.agent)[:1]:
                self.sessions.append(Session(session.agent, 0, "lost"))
        return found


FAULTS = [
    ForgetsOnRegistration,
    MovesOnRegistration,
    EndsTheRoom,
    FreesTwice,
    Resurrects,
    KeepsTheFirstLimit,
    MovesSessionsToTheTenant,
    DeletesByPrefix,
    CountsSessionsForAgents,
    LosesAPlace,
]


@pytest.mark.parametrize("fault", FAULTS)
def test_deep_faults_are_found(fault: Callable[[], Contract]) -> None:
    """Each planted fault needs three steps or more, and some hundred sequences find it."""
    (found,) = explore([Planted(fault)], seconds=120, seed=1, most=2000)
    assert len(found.operations) >= 3


def test_a_finding_is_shrunk() -> None:
    """What remains are the steps that the fault needs, and the read that shows it."""
    (found,) = explore([Planted(EndsTheRoom)], seconds=60, seed=1, most=600)
    kinds = [type(operation).__name__ for operation in found.operations]
    assert kinds[:4] == ["Register", "Create", "Create", "End"]
    assert len(kinds) <= 6


def test_a_service_that_follows_the_contract_shows_nothing() -> None:
    """There is no false alarm."""
    assert explore([Planted(Contract)], seconds=60, seed=1, most=100) == []


def test_the_reference_follows_the_stand_in() -> None:
    """The dialect of the Node.js version answers as the stand-in does, restarts included."""
    loop = asyncio.new_event_loop()
    old = OldService("old", ())
    try:
        target = loop.run_until_complete(old.start())
        live = Live(target, Node, loop.run_until_complete)
        assert [
            str(found) for found in explore([live], seconds=20, seed=1, restarts=True, most=15)
        ] == []
    finally:
        loop.run_until_complete(old.stop())
        loop.close()


def test_findings_become_scenarios_once(tmp_path: Path) -> None:
    """A finding is written as a workflow with its ids as outputs, and not a second time."""
    path = tmp_path / "found.yaml"
    path.write_text("workflows: []\n", "utf-8")
    (found,) = explore([Planted(EndsTheRoom)], seconds=60, seed=1, most=600)
    (name,) = promote([found], path)
    assert promote([found], path) == []
    (workflow,) = yaml.safe_load(path.read_text("utf-8"))["workflows"]
    assert workflow["workflowId"] == name
    assert workflow["steps"][1]["stepId"] == "create-0"
    ends = [step for step in workflow["steps"] if step["operationId"] == "endSession"]
    assert ends[0]["parameters"][0]["value"].startswith("$steps.create-")


def test_operations_hold_their_values() -> None:
    """An operation is a value: two with the same fields are equal, which shrinking relies on."""
    assert Register(7, 3, None) == Register(7, 3, None)
    assert End(0) != End(1)
    assert Agent(3, None).limit is None
