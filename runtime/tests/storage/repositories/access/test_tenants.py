"""Statements that are limited to a tenant, in both databases."""

from __future__ import annotations

import pytest

from agent_runtime.domain.access.tenants import AgentNotFound, AgentOfOtherTenant, TenantMismatch
from agent_runtime.domain.agents.agent import AgentStatus, Registration
from agent_runtime.domain.metrics import DateRange
from agent_runtime.domain.session import new_session
from agent_runtime.storage import Database, RegisteredAgents, StoredMetrics, StoredSessions

MINE, THEIRS = 3, 4
ALWAYS = DateRange(start=None, end=None)


@pytest.fixture
async def agents(database: Database, sessions: StoredSessions) -> RegisteredAgents:
    """Agent 7 of MINE and 8 of THEIRS."""
    found = RegisteredAgents(database, sessions)
    await found.register(Registration(7, MINE, {}, 5))
    await found.register(Registration(8, THEIRS, {}, 5))
    return found


async def test_an_agent_stays_its_tenants(agents: RegisteredAgents) -> None:
    """Another tenant's registration is refused and changes nothing; after a deletion it is accepted."""
    with pytest.raises(AgentOfOtherTenant):
        await agents.register(Registration(7, THEIRS, {"systemPrompt": "x"}, 1))
    assert await agents.get(7) == Registration(7, MINE, {}, 5)
    assert [one.tenant_id for one in await agents.history(7)] == [MINE]
    await agents.unregister(7)
    await agents.register(Registration(7, THEIRS, {}, 1))


async def test_a_session_has_the_tenant_of_the_registration(
    agents: RegisteredAgents, sessions: StoredSessions
) -> None:
    """A session for another tenant is not stored and takes no place."""
    with pytest.raises(TenantMismatch):
        await sessions.create(new_session(7, THEIRS, ""))
    assert (await agents.status(7)).active_sessions == 0
    await sessions.create(new_session(7, MINE, ""))


async def test_status_and_list_are_limited(agents: RegisteredAgents) -> None:
    """To a tenant, another one's agent is not registered."""
    assert await agents.status(7, MINE) == AgentStatus(True, True, 0, 5)
    assert await agents.status(7, THEIRS) == AgentStatus()
    assert await agents.list_ids() == [7, 8]
    assert await agents.list_ids(THEIRS) == [8]


async def test_a_tenant_deletes_only_its_own(
    agents: RegisteredAgents, sessions: StoredSessions
) -> None:
    """Deleting another tenant's agent, or an unknown one, raises and ends no session."""
    session = new_session(7, MINE, "")
    await sessions.create(session)
    for agent_id in (7, 99):
        with pytest.raises(AgentNotFound):
            await agents.unregister(agent_id, THEIRS)
    assert (await agents.status(7)).active_sessions == 1
    (ended,) = await agents.unregister(7, MINE)
    assert ended.session_id == session.session_id


async def test_an_agent_that_changed_hands_is_not_deleted(
    database: Database, agents: RegisteredAgents, sessions: StoredSessions
) -> None:
    """A deletion that comes after the agent became another tenant's leaves it and its sessions alone."""
    session = new_session(8, THEIRS, "")
    await sessions.create(session)

    class Late(RegisteredAgents):
        async def status(self, _agent_id: int, _tenant_id: int | None = None) -> AgentStatus:
            return AgentStatus(registered=True)  # as it was when this was looked at

    assert await Late(database, sessions).unregister(8, MINE) == []
    assert (await agents.status(8)).active_sessions == 1
    live = await sessions.get(session.session_id)
    assert live is not None
    assert not live.status.is_final


async def test_metrics_of_an_agent_are_limited(
    database: Database, agents: RegisteredAgents, sessions: StoredSessions
) -> None:
    """To a tenant, only its own sessions of an agent count."""
    await sessions.create(new_session(7, MINE, ""))
    await agents.unregister(7)
    await agents.register(Registration(7, THEIRS, {}, 5))
    await sessions.create(new_session(7, THEIRS, ""))
    metrics = StoredMetrics(database)
    totals = [(await metrics.agent(7, ALWAYS, who)).total_sessions for who in (None, MINE, THEIRS)]
    assert totals == [2, 1, 1]
