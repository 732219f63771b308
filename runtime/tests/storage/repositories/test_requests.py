"""Creates that are sent again, and the limits of creates beside the agent's own, on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from agent_runtime.domain.agents.agent import Registration
from agent_runtime.domain.errors import (
    AgentAtCapacity,
    AgentNotRegistered,
)
from agent_runtime.domain.lease import Holder
from agent_runtime.domain.ports.sessions import QueueFull, RequestRepeated, TenantAtCapacity
from agent_runtime.domain.session import (
    CreateLimits,
    RepeatableRequest,
    Session,
    SessionStatus,
    new_session,
)
from agent_runtime.storage import Database, RegisteredAgents, StoredLeases, StoredSessions
from agent_runtime.storage.repositories.sessions.requests import StoredRequests, StoredTenants

REQUEST = RepeatableRequest("k" * 64, "b" * 64)


@pytest.fixture
def requests(database: Database) -> StoredRequests:
    """The remembered creates."""
    return StoredRequests(database)


async def test_a_request_makes_one_session(
    agents: RegisteredAgents, sessions: StoredSessions, requests: StoredRequests
) -> None:
    """Of creates with one key, the first is stored with its key; each other one stores nothing."""
    await agents.register(Registration(7, 3, {}, 10))
    outcomes = await asyncio.gather(
        *(sessions.create(new_session(7, 3, ""), request=REQUEST) for _ in range(5)),
        return_exceptions=True,
    )
    assert [type(one) for one in outcomes if one is not None] == [RequestRepeated] * 4
    (live,) = await sessions.live_sessions()
    found = await requests.find(REQUEST.key)
    assert found is not None
    assert (found.body, found.session, found.is_answered) == (REQUEST.body, live, False)
    await requests.answered(REQUEST.key)
    assert (await requests.find(REQUEST.key)) == replace(found, is_answered=True)


async def test_a_request_that_made_no_session_is_not_remembered(
    sessions: StoredSessions, requests: StoredRequests
) -> None:
    """A create that is refused leaves its key free."""
    with pytest.raises(AgentNotRegistered):
        await sessions.create(new_session(7, 3, ""), request=REQUEST)
    assert await requests.find(REQUEST.key) is None


async def test_a_request_is_forgotten(
    agents: RegisteredAgents, sessions: StoredSessions, requests: StoredRequests
) -> None:
    """A key can be freed by the session it made only; after a day it is free by itself."""
    await agents.register(Registration(7, 3, {}, 10))
    old = new_session(7, 3, "")
    old = replace(old, started_at=old.started_at - timedelta(days=1, seconds=1))
    await sessions.create(old, request=REQUEST)
    assert await requests.find(REQUEST.key) is None
    await sessions.create(new_session(7, 3, ""), request=REQUEST)
    await requests.forget(REQUEST.key, old.session_id)
    found = await requests.find(REQUEST.key)
    assert found is not None
    assert found.session_id != old.session_id
    await requests.forget(REQUEST.key, found.session_id)
    assert await requests.find(REQUEST.key) is None


async def test_a_tenants_quota_holds(agents: RegisteredAgents, sessions: StoredSessions) -> None:
    """Over all agents, a tenant has no more sessions than its quota, however many creates come at once."""
    for agent_id in (7, 8):
        await agents.register(Registration(agent_id, 3, {}, 10))
    limits = CreateLimits(of_tenant=3)
    outcomes = await asyncio.gather(
        *(sessions.create(new_session(7 + one % 2, 3, ""), limits) for one in range(10)),
        return_exceptions=True,
    )
    refused = [str(one) for one in outcomes if isinstance(one, TenantAtCapacity)]
    assert refused == ["Tenant 3 is at capacity (3 sessions)"] * 7
    await agents.register(Registration(9, 4, {}, 10))
    await sessions.create(new_session(9, 4, ""), limits)
    (first, *_) = await sessions.live_sessions()
    await sessions.finish(first.session_id, SessionStatus.ENDED)
    await sessions.create(new_session(8, 3, ""), limits)


async def test_the_queue_has_an_end(
    agents: RegisteredAgents, sessions: StoredSessions, database: Database
) -> None:
    """Sessions that no job holds count for the queue's length; those with an agent do not."""
    await agents.register(Registration(7, 3, {}, 10))
    limits = CreateLimits(waiting=2)
    made: list[Session] = [new_session(7, 3, "") for _ in range(3)]
    await sessions.create(made[0], limits)
    await sessions.create(made[1], limits)
    with pytest.raises(QueueFull, match="2 sessions wait for an agent"):
        await sessions.create(made[2], limits)
    await StoredLeases(database).claim(made[0].session_id, Holder("AJ_1", "worker", 1))
    await sessions.create(made[2], limits)


async def test_the_queue_of_another_deployment(
    agents: RegisteredAgents, database: Database
) -> None:
    """Sessions that wait for another deployment's workers take no place in the queue."""
    await agents.register(Registration(7, 3, {}, 10))
    limits = CreateLimits(waiting=1)
    here, there = StoredSessions(database, "here"), StoredSessions(database, "there")
    await there.create(new_session(7, 3, ""), limits)
    await here.create(new_session(7, 3, ""), limits)
    with pytest.raises(QueueFull):
        await here.create(new_session(7, 3, ""), limits)
    leases = StoredLeases(database, "here")
    (waiting,) = await leases.live()
    assert await leases.is_live(waiting.session.room_name)
    others = {one.room_name for one in await here.live_sessions()} - {waiting.session.room_name}
    assert [await leases.is_live(room) for room in others] == [False]


async def test_the_agents_own_capacity_is_named_first(
    agents: RegisteredAgents, sessions: StoredSessions
) -> None:
    """An agent that is full refuses in the known words, also when tenant and queue are full."""
    await agents.register(Registration(7, 3, {}, 1))
    limits = CreateLimits(waiting=1, of_tenant=1)
    await sessions.create(new_session(7, 3, ""), limits)
    with pytest.raises(AgentAtCapacity, match=r"^Agent 7 is at capacity \(1 sessions\)$"):
        await sessions.create(new_session(7, 3, ""), limits)


async def test_the_quota_of_a_tenant_without_a_row(database: Database) -> None:
    """A tenant that the platform does not know has no quota of its own."""
    assert await StoredTenants(database).resource_quota(3) is None


async def test_the_quota_of_a_tenant(database: Database) -> None:
    """The column `resource_quota` of the tenant's row is read as it is."""
    quota = '{"maxConcurrentSessions": 2}'
    for sql in (
        "INSERT INTO users (id, open_id) VALUES (1, 'owner')",
        f"INSERT INTO tenants (id, user_id, name, slug, resource_quota) VALUES (3, 1, '', '', '{quota}')",
    ):
        await database.write(database.dialect.raw(sql).bind())
    assert await StoredTenants(database).resource_quota(3) == quota
