"""Figures: what is written for a session, and what is summed up over many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from agent_runtime.domain.agent import Registration
from agent_runtime.domain.metrics import (
    AgentMetrics,
    DateRange,
    SessionMetrics,
    SessionTotals,
    TenantMetrics,
    Turn,
)
from agent_runtime.domain.session import SessionStatus, new_session
from agent_runtime.storage import RegisteredAgents, StoredMetrics, StoredSessions

from .dashboard import execute

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
async def registered(agents: RegisteredAgents) -> None:
    """Two agents of one tenant."""
    for agent_id in (1, 2):
        await agents.register(Registration(agent_id, 9, {}, 1000))


async def session_of(
    sessions: StoredSessions, agent_id: int, started: datetime, *, live: bool = False
) -> str:
    """A session that started then, and is over unless `live`."""
    session = new_session(agent_id, 9, "", now=started)
    await sessions.create(session)
    if not live:
        await sessions.finish(session.session_id, SessionStatus.ENDED)
    return session.session_id


def totals(answers: int, llm: float, questions: int = 0) -> SessionTotals:
    """A session with that many messages, its model answering in `llm` ms."""
    result = SessionTotals()
    for _ in range(answers):
        result.add(Turn(by_agent=True, llm=llm, tts=llm / 2))
    for _ in range(questions):
        result.add(Turn(by_agent=False, stt=80.4, end_of_turn=300))
    return result


async def test_no_session_is_zeros(figures: StoredMetrics) -> None:
    """Without a session every figure is 0; figures of no session at all are None."""
    assert await figures.agent(1, DateRange()) == AgentMetrics(1, 0, 0, 0.0, 0.0)
    assert await figures.tenant(9, DateRange()) == TenantMetrics(9, 0, 0, 0.0)
    assert await figures.session("nobody") is None
    assert await figures.session("no\0body") is None


async def test_session_before_its_first_turn(
    figures: StoredMetrics, sessions: StoredSessions
) -> None:
    """A session counts from its start; its own figures are 0 until something was said."""
    session_id = await session_of(sessions, 1, JANUARY, live=True)
    assert await figures.session(session_id) == SessionMetrics(session_id, 0, 0.0, 0.0)
    assert await figures.agent(1, DateRange()) == AgentMetrics(1, 1, 1, 0.0, 0.0)
    assert await figures.tenant(9, DateRange()) == TenantMetrics(9, 1, 1, 0.0)


async def test_row_of_a_session(figures: StoredMetrics, sessions: StoredSessions, url: str) -> None:
    """One row an agent, rewritten whole: counts, milliseconds, tokens, the day it started."""
    session_id = await session_of(sessions, 1, JANUARY + timedelta(hours=23, minutes=59))
    first = totals(1, 100.0)
    row = await figures.record(session_id, first, None)
    later = totals(2, 100.6, questions=1)
    later.input_tokens, later.output_tokens, later.errors = 30, 12, 1
    assert await figures.record(session_id, later, row) == row
    await figures.record(session_id, later, row)
    ((day, *values),) = execute(
        url,
        "SELECT date, agent_id, tenant_id, message_count, user_message_count, agent_message_count,"
        " avg_stt_latency, avg_tts_latency, avg_llm_latency, total_tokens, input_tokens,"
        " output_tokens, total_cost, error_count FROM session_metrics",
    )
    assert str(day) == "2026-01-01"
    assert values == [1, 9, 3, 1, 2, 80, 50, 101, 42, 30, 12, 0, 1]
    assert await figures.session(session_id) == SessionMetrics(session_id, 3, 101.0, 0.0)


async def test_an_agent_that_took_over(figures: StoredMetrics, sessions: StoredSessions) -> None:
    """Its figures are added to those of the agent before, whichever writes last."""
    session_id = await session_of(sessions, 1, JANUARY)
    before = await figures.record(session_id, totals(3, 100.0), None)
    after = await figures.record(session_id, totals(1, 500.0), None)
    assert after != before
    await figures.record(session_id, totals(3, 100.0), before)
    assert await figures.session(session_id) == SessionMetrics(session_id, 4, 200.0, 0.0)
    assert (await figures.agent(1, DateRange())).total_sessions == 1


async def test_latency_is_weighted_by_messages(
    figures: StoredMetrics, sessions: StoredSessions
) -> None:
    """A session of three answers counts three times one of a single answer."""
    for answers, llm in ((3, 100.0), (1, 500.0)):
        session_id = await session_of(sessions, 1, JANUARY)
        await figures.record(session_id, totals(answers, llm), None)
    await session_of(sessions, 1, JANUARY)  # nothing was said: it counts as a session only
    assert await figures.agent(1, DateRange()) == AgentMetrics(1, 3, 0, 200.0, 0.0)


async def test_costs_are_dollars(
    figures: StoredMetrics, sessions: StoredSessions, url: str
) -> None:
    """Micro-cents become dollars, also where the sum is beyond 32 bits."""
    for _ in range(3):
        session_id = await session_of(sessions, 2, JANUARY)
        await figures.record(session_id, totals(1, 10.0), None)
    execute(url, "UPDATE session_metrics SET total_cost = 2000000000")
    assert (await figures.agent(2, DateRange())).total_cost_usd == 60.0
    assert (await figures.tenant(9, DateRange())).total_cost_usd == 60.0
    assert (await figures.session(session_id)) == SessionMetrics(session_id, 1, 10.0, 20.0)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, 5),
        (datetime(500, 1, 1, tzinfo=UTC), None, 5),
        (JANUARY, None, 4),
        (None, JANUARY, 1),
        (JANUARY, FEBRUARY, 3),
        (JANUARY + timedelta(microseconds=1), FEBRUARY, 2),
        (FEBRUARY, FEBRUARY, 0),
        (FEBRUARY, None, 1),
    ],
)
async def test_range_takes_start_in_and_leaves_end_out(
    figures: StoredMetrics,
    sessions: StoredSessions,
    start: datetime | None,
    end: datetime | None,
    expected: int,
) -> None:
    """A session counts when it started at or after `start` and before `end`."""
    step = timedelta(microseconds=1)
    for moment in (JANUARY - step, JANUARY, JANUARY + step, FEBRUARY - step, FEBRUARY):
        await session_of(sessions, 1, moment, live=moment == FEBRUARY)
    dates = DateRange(start, end)
    assert (await figures.agent(1, dates)).total_sessions == expected
    assert (await figures.tenant(9, dates)).total_sessions == expected
    assert (await figures.agent(1, dates)).active_sessions == (
        expected if start == FEBRUARY else int(end is None)
    )


async def test_active_agents_of_a_tenant(figures: StoredMetrics, sessions: StoredSessions) -> None:
    """An agent counts once, however many live sessions it holds, and not at all without."""
    await session_of(sessions, 1, JANUARY, live=True)
    await session_of(sessions, 1, JANUARY, live=True)
    await session_of(sessions, 2, JANUARY)
    assert await figures.tenant(9, DateRange()) == TenantMetrics(9, 1, 3, 0.0)


async def test_figures_of_no_session_are_not_kept(figures: StoredMetrics, url: str) -> None:
    """Figures for an id that was never stored leave no row behind."""
    assert await figures.record("nobody", totals(1, 10.0), None) is None
    assert execute(url, "SELECT COUNT(*) FROM session_metrics") == [(0,)]


async def test_range_meets_rows_of_others(
    figures: StoredMetrics, sessions: StoredSessions, url: str
) -> None:
    """A start on the full second, as CURRENT_TIMESTAMP writes it, is where the range begins."""
    await session_of(sessions, 1, JANUARY)
    execute(url, "UPDATE agent_instance_sessions SET started_at = '2026-01-01 00:00:00'")
    assert (await figures.agent(1, DateRange(JANUARY))).total_sessions == 1
    assert (await figures.agent(1, DateRange(None, JANUARY))).total_sessions == 0
