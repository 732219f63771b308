"""Versions of agents: a changed content is one, and the latest are kept."""

from __future__ import annotations

import asyncio

from agent_runtime.domain.agents.agent import Registration
from agent_runtime.storage import Database, RegisteredAgents, StoredSessions


async def test_each_changed_content_is_a_version(agents: RegisteredAgents) -> None:
    """The same content again, in whatever order of its keys, makes none; another tenant makes one."""
    versions = [
        await agents.register(Registration(7, 1, config, 10))
        for config in (
            {"name": "A", "voiceId": "v"},
            {"voiceId": "v", "name": "A"},
            {"name": "B"},
        )
    ]
    for tenant in (2, 1):
        await agents.unregister(7)
        versions.append(await agents.register(Registration(7, tenant, {"name": "B"}, 10)))
    assert versions == [1, 1, 2, 3, 4]
    found = await agents.get(7)
    assert found is not None
    assert found.version == 4
    assert [one.version for one in await agents.history(7)] == [4, 3, 2, 1]
    first = await agents.version(7, 1)
    assert first == Registration(7, 1, {"name": "A", "voiceId": "v"}, 10)
    assert await agents.version(7, 5) is None
    assert await agents.history(8) == []


async def test_another_limit_of_sessions_makes_no_version(agents: RegisteredAgents) -> None:
    """The limit may come from a setting, and is no content of the agent."""
    await agents.register(Registration(7, 1, {}, 10))
    assert await agents.register(Registration(7, 1, {}, 20)) == 1
    found = await agents.get(7)
    assert found is not None
    assert found.max_sessions == 20


async def test_only_the_latest_are_kept(database: Database, sessions: StoredSessions) -> None:
    """A bounded number of versions is kept, and their numbers go on."""
    agents = RegisteredAgents(database, sessions, kept=2)
    for number in range(5):
        await agents.register(Registration(7, 1, {"number": number}, 10))
    assert [one.version for one in await agents.history(7)] == [5, 4]


async def test_a_deleted_agent_keeps_its_history(agents: RegisteredAgents) -> None:
    """Versions outlive the deletion; an agent that returns with its last content has its last version."""
    await agents.register(Registration(7, 1, {"name": "A"}, 10))
    await agents.register(Registration(7, 1, {"name": "B"}, 10))
    await agents.unregister(7)
    assert [one.version for one in await agents.history(7)] == [2, 1]
    assert await agents.register(Registration(7, 1, {"name": "B"}, 10)) == 2
    assert await agents.register(Registration(7, 1, {"name": "C"}, 10)) == 3


async def test_origin_and_time_are_kept(agents: RegisteredAgents) -> None:
    """The history says where a content came from, and when."""
    await agents.register(Registration(7, 1, {}, 10, origin="imported from a.json"))
    (only,) = await agents.history(7)
    assert (only.origin, only.tenant_id) == ("imported from a.json", 1)
    assert only.registered_at.tzinfo is not None


async def test_registrations_at_the_same_time_get_numbers_of_their_own(
    agents: RegisteredAgents,
) -> None:
    """Registrations of one agent that run at once do not take each other's version."""
    made = await asyncio.gather(
        *(agents.register(Registration(7, 1, {"number": number}, 10)) for number in range(10))
    )
    assert sorted(made) == list(range(1, 11))
