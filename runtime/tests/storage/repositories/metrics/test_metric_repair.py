"""Rows of metrics that earlier versions wrote twice for a session become one."""

from __future__ import annotations

import pytest

from agent_runtime.domain.agents.agent import Registration
from agent_runtime.domain.metrics import SessionMetrics, SessionTotals, Turn
from agent_runtime.domain.session import SessionStatus, new_session
from agent_runtime.storage import Database, Doctor, RegisteredAgents, StoredMetrics, StoredSessions
from agent_runtime.storage.repositories.metrics.repair import MetricRepair
from runtime.tests.storage.dashboard import execute

LAW = "a session has one row of metrics"


def old_row(session_id: str, answers: int, llm: int, langfuse: int = 0) -> str:
    """INSERT of a row as an earlier version wrote one for each agent."""
    return (
        "INSERT INTO session_metrics (session_id, agent_id, tenant_id, date, message_count,"
        " user_message_count, agent_message_count, avg_stt_latency, avg_llm_latency, total_tokens,"
        " input_tokens, output_tokens, total_cost, langfuse_cost, error_count, metadata)"
        f" VALUES ('{session_id}', 7, 3, '2026-01-01', {answers + 2}, 2, {answers}, 80, {llm}, 30,"
        f' 20, 10, 5, {langfuse}, 1, \'{{"interruptions": 1, "avg_response_latency": 600}}\')'
    )


@pytest.fixture
async def ended(agents: RegisteredAgents, sessions: StoredSessions) -> str:
    """A session that is over."""
    await agents.register(Registration(7, 3, {}, 10))
    session = new_session(7, 3, "lobby")
    await sessions.create(session)
    await sessions.finish(session.session_id, SessionStatus.ENDED)
    return session.session_id


async def test_doubled_rows_are_reported_and_merged(
    ended: str, metrics: StoredMetrics, database: Database, url: str
) -> None:
    """The doctor names the session; the repair leaves the oldest row, with sums and weighted means."""
    execute(url, old_row(ended, 3, 100, langfuse=4))
    execute(url, old_row(ended, 1, 500, langfuse=6))
    before = await metrics.session(ended)
    assert [(one.key, one.found) for one in await Doctor(database).examine() if one.law == LAW] == [
        (ended, "2 rows")
    ]
    assert await MetricRepair(database).merge() == 1
    assert await Doctor(database).examine() == []
    assert execute(
        url,
        "SELECT message_count, user_message_count, agent_message_count, avg_stt_latency,"
        " avg_llm_latency, total_tokens, total_cost, langfuse_cost, error_count FROM session_metrics",
    ) == [(8, 4, 4, 80, 200, 60, 10, 10, 2)]
    assert await metrics.session(ended) == before == SessionMetrics(ended, 8, 200.0, 1e-7)
    assert await MetricRepair(database).merge() == 0


async def test_a_row_of_this_version_and_an_old_one(
    ended: str, metrics: StoredMetrics, database: Database, url: str
) -> None:
    """Figures of this version count once when an old row is merged with them, also when they come late."""
    execute(url, old_row(ended, 3, 100))
    ours = SessionTotals()
    ours.add(Turn(by_agent=True, llm=500))
    await metrics.record(ended, "AJ_2", ours)
    assert await MetricRepair(database).merge() == 1
    ours.add(Turn(by_agent=True, llm=500))
    await metrics.record(ended, "AJ_2", ours)
    assert execute(
        url, "SELECT message_count, agent_message_count, avg_llm_latency FROM session_metrics"
    ) == [(7, 5, 260)]


async def test_a_live_session_is_left_alone(
    agents: RegisteredAgents, sessions: StoredSessions, database: Database, url: str
) -> None:
    """An old agent that still talks writes its row by the row's id, so the row stays until the end."""
    await agents.register(Registration(7, 3, {}, 10))
    session = new_session(7, 3, "lobby")
    await sessions.create(session)
    for _ in range(2):
        execute(url, old_row(session.session_id, 1, 100))
    assert await MetricRepair(database).merge() == 0
    await sessions.finish(session.session_id, SessionStatus.ENDED)
    assert await MetricRepair(database).merge() == 1
