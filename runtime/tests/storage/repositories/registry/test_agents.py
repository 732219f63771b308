"""The registered agents, and rows of the shared table of agents."""

from __future__ import annotations

import asyncio
import sqlite3

import psycopg2
import pytest

from agent_runtime.domain.agents.agent import AgentStatus, Registration
from agent_runtime.domain.errors import AgentNotRegistered
from agent_runtime.domain.session import SessionStatus, new_session
from agent_runtime.storage import Database, RegisteredAgents, StoredEvents, StoredSessions
from runtime.tests.storage.repositories.holders import HOLDER

ROW = """
    INSERT INTO users (id, open_id) VALUES (1, 'o');
    INSERT INTO tenants (id, user_id, name, slug) VALUES (1, 1, 't', 's');
    INSERT INTO agents (id, user_id, tenant_id, name, stt_provider, tts_provider, llm_provider,
                        llm_config)
    VALUES (5, 1, 1, 'Ada', 'deepgram', 'cartesia', 'openai', '{malformed');
"""


def insert_row(url: str) -> None:
    """Insert an agent as the platform stores it."""
    if url.startswith("sqlite"):
        file = sqlite3.connect(url.removeprefix("sqlite:///"))
        file.executescript(ROW)
        file.close()
        return
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute(ROW)
    connection.close()


async def test_registration_is_read_as_given(agents: RegisteredAgents) -> None:
    """A registration is read back equal, with unknown keys, nulls and escapes."""
    config = {"name": None, "own": {"list": [1, 2.5, True], "text": "ö\u0000\"'%s"}}
    given = Registration(7, 3, config, 10)
    await agents.register(given)
    assert await agents.get(7) == given


async def test_registering_again_replaces_and_keeps_the_order(agents: RegisteredAgents) -> None:
    """A second registration replaces the configuration and keeps the place in the list."""
    for agent_id in (9, 4, 7):
        await agents.register(Registration(agent_id, 1, {"version": 1}, 10))
    await agents.register(Registration(9, 1, {"version": 2}, 5))
    assert await agents.list_ids() == [9, 4, 7]
    assert await agents.get(9) == Registration(9, 1, {"version": 2}, 5)


async def test_agent_that_returns_comes_last(agents: RegisteredAgents) -> None:
    """An agent that registers after its deletion is the last in the list."""
    for agent_id in (1, 2):
        await agents.register(Registration(agent_id, 1, {}, 10))
    await agents.unregister(1)
    await agents.register(Registration(1, 1, {}, 10))
    assert await agents.list_ids() == [2, 1]


async def test_unknown_agent(agents: RegisteredAgents) -> None:
    """An unknown agent has no registration, no row, a status of zeros and no sessions to end."""
    assert await agents.get(99) is None
    assert await agents.agent_row(99) is None
    assert await agents.status(99) == AgentStatus()
    assert await agents.unregister(99) == []


async def test_status_counts_live_sessions(
    agents: RegisteredAgents, sessions: StoredSessions
) -> None:
    """The status counts connecting and active sessions, not those that are over."""
    await agents.register(Registration(7, 1, {}, 10))
    made = [new_session(7, 1, f"room-{number}") for number in range(3)]
    for session in made:
        await sessions.create(session)
    await sessions.activate(made[0].session_id, HOLDER)
    await sessions.finish(made[1].session_id, SessionStatus.ENDED)
    assert await agents.status(7) == AgentStatus(True, True, 2, 10)


async def test_unregistering_ends_the_sessions(
    agents: RegisteredAgents, sessions: StoredSessions
) -> None:
    """Unregistering ends and returns the agent's live sessions, and no session of another agent."""
    for agent_id in (7, 8):
        await agents.register(Registration(agent_id, 1, {}, 10))
    mine = [new_session(7, 1, f"mine-{number}") for number in range(3)]
    other = new_session(8, 1, "other")
    for session in (*mine, other):
        await sessions.create(session)
    await sessions.activate(mine[0].session_id, HOLDER)
    await sessions.finish(mine[2].session_id, SessionStatus.ERROR, "before")
    ended = await agents.unregister(7)
    assert {session.session_id for session in ended} == {mine[0].session_id, mine[1].session_id}
    assert {session.status for session in ended} == {SessionStatus.ENDED}
    assert all(session.ended_at and session.reason for session in ended)
    assert [session.session_id for session in await sessions.live_sessions()] == [other.session_id]
    with pytest.raises(AgentNotRegistered):
        await sessions.create(new_session(7, 1, "late"))


async def test_no_session_survives_a_concurrent_unregistration(
    agents: RegisteredAgents, sessions: StoredSessions
) -> None:
    """A session that is created during the unregistration is ended by it or refused."""
    for _ in range(5):
        await agents.register(Registration(7, 1, {}, 100))
        creates = [sessions.create(new_session(7, 1, "room")) for _ in range(10)]
        outcomes = await asyncio.gather(*creates, agents.unregister(7), return_exceptions=True)
        assert all(isinstance(outcome, AgentNotRegistered | list | None) for outcome in outcomes), (
            outcomes
        )
        assert await sessions.live_sessions() == []


async def test_row_of_the_agents_table(agents: RegisteredAgents, url: str) -> None:
    """The row is a mapping by column name, with JSON columns as text."""
    insert_row(url)
    row = await agents.agent_row(5)
    assert row is not None
    assert (row["id"], row["name"], row["tenant_id"]) == (5, "Ada", 1)
    assert row["llm_config"] == "{malformed"
    assert row["deployment_mode"] == "shared"
    assert row["max_concurrent_sessions"] == 10
    assert row["temperature"] == pytest.approx(0.6)
    assert row["voice_id"] is None


async def test_unregistering_never_deadlocks(
    agents: RegisteredAgents, sessions: StoredSessions
) -> None:
    """Unregistering never deadlocks with heartbeats and ends of the same sessions."""
    for _ in range(5):
        await agents.register(Registration(7, 1, {}, 100))
        made = [new_session(7, 1, "room") for _ in range(20)]
        await asyncio.gather(*(sessions.create(session) for session in made))
        await asyncio.gather(
            *(sessions.heartbeat(session.session_id, HOLDER) for session in made),
            *(sessions.set_participant_count(session.session_id, 2) for session in made),
            agents.unregister(7),
            *(sessions.finish(session.session_id, SessionStatus.ERROR) for session in made),
        )
        assert await sessions.live_sessions() == []


async def test_unregistering_records_each_end(
    agents: RegisteredAgents, sessions: StoredSessions, database: Database
) -> None:
    """A session that ends with its agent has the event of its end."""
    await agents.register(Registration(7, 3, {}, 10))
    session = new_session(7, 3, "lobby")
    await sessions.create(session)
    await agents.unregister(7)
    events = await StoredEvents(database).read(session.session_id)
    assert [event.kind for _, event in events] == ["created", "ended"]
