"""Metrics: a session's row, and the sums over many sessions."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from agent_runtime.domain.agents.agent import Registration
from agent_runtime.domain.metrics import (
    AgentMetrics,
    Costs,
    DateRange,
    SessionMetrics,
    SessionTotals,
    TenantMetrics,
    Turn,
)
from agent_runtime.domain.session import SessionStatus, new_session
from agent_runtime.storage import RegisteredAgents, StoredMetrics, StoredSessions
from runtime.tests.storage.dashboard import execute

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
    """The id of a session that started at `started`, and is over unless `live`."""
    session = new_session(agent_id, 9, "", now=started)
    await sessions.create(session)
    if not live:
        await sessions.finish(session.session_id, SessionStatus.ENDED)
    return session.session_id


def totals(answers: int, llm: float, questions: int = 0) -> SessionTotals:
    """The totals of a session with that many messages, whose model answers in `llm` ms."""
    result = SessionTotals()
    for _ in range(answers):
        result.add(Turn(by_agent=True, llm=llm, tts=llm / 2))
    for _ in range(questions):
        result.add(Turn(by_agent=False, stt=80.4, end_of_turn=300))
    return result


async def test_no_session_is_zeros(metrics: StoredMetrics) -> None:
    """Without sessions every sum is 0; an unknown session has no metrics."""
    assert await metrics.agent(1, DateRange()) == AgentMetrics(1, 0, 0, 0.0, 0.0)
    assert await metrics.tenant(9, DateRange()) == TenantMetrics(9, 0, 0, 0.0)
    assert await metrics.session("nobody") is None
    assert await metrics.session("no\0body") is None


async def test_session_before_its_first_turn(
    metrics: StoredMetrics, sessions: StoredSessions
) -> None:
    """A session counts from its start, and its own metrics are 0 until its first turn."""
    session_id = await session_of(sessions, 1, JANUARY, live=True)
    assert await metrics.session(session_id) == SessionMetrics(session_id, 0, 0.0, 0.0)
    assert await metrics.agent(1, DateRange()) == AgentMetrics(1, 1, 1, 0.0, 0.0)
    assert await metrics.tenant(9, DateRange()) == TenantMetrics(9, 1, 1, 0.0)


async def test_row_of_a_session(metrics: StoredMetrics, sessions: StoredSessions, url: str) -> None:
    """Each write replaces the row: counts, milliseconds, tokens, and the day of the session's start."""
    session_id = await session_of(sessions, 1, JANUARY + timedelta(hours=23, minutes=59))
    first = totals(1, 100.0)
    await metrics.record(session_id, "AJ_1", first)
    later = totals(2, 100.6, questions=1)
    later.input_tokens, later.output_tokens, later.errors = 30, 12, 1
    assert await metrics.record(session_id, "AJ_1", later)
    await metrics.record(session_id, "AJ_1", later)
    ((day, *values),) = execute(
        url,
        "SELECT date, agent_id, tenant_id, message_count, user_message_count, agent_message_count,"
        " avg_stt_latency, avg_tts_latency, avg_llm_latency, total_tokens, input_tokens,"
        " output_tokens, total_cost, error_count FROM session_metrics",
    )
    assert str(day) == "2026-01-01"
    assert values == [1, 9, 3, 1, 2, 80, 50, 101, 42, 30, 12, 0, 1]
    assert await metrics.session(session_id) == SessionMetrics(session_id, 3, 101.0, 0.0)


async def test_one_row_after_takeovers(
    metrics: StoredMetrics, sessions: StoredSessions, url: str
) -> None:
    """A session has one row, with the sums over its agents, whichever writes last and how often."""
    session_id = await session_of(sessions, 1, JANUARY)
    other = await session_of(sessions, 1, JANUARY)
    await metrics.record(other, "AJ_9", totals(5, 50.0))
    await metrics.record(session_id, "AJ_1", totals(1, 100.0))
    await metrics.record(session_id, "AJ_2", totals(1, 500.0, questions=2))
    late = totals(3, 100.0)
    late.cost = 7
    for _ in range(2):
        await metrics.record(session_id, "AJ_1", late)
    assert execute(
        url,
        "SELECT message_count, agent_message_count, avg_llm_latency, total_cost FROM session_metrics"
        f" WHERE session_id = '{session_id}'",
    ) == [(6, 4, 200, 7)]
    assert (await metrics.session(session_id)).message_count == 6
    assert (await metrics.agent(1, DateRange())).total_sessions == 2


async def test_agents_of_one_session_write_at_once(
    metrics: StoredMetrics, sessions: StoredSessions, url: str
) -> None:
    """Agents that write the first figures of a session at the same time make one row of it."""
    session_id = await session_of(sessions, 1, JANUARY)
    await asyncio.gather(
        *(metrics.record(session_id, f"AJ_{part}", totals(2, 100.0)) for part in range(6))
    )
    assert execute(url, "SELECT message_count FROM session_metrics") == [(12,)]


async def test_a_row_that_was_deleted_comes_back_with_all_sums(
    metrics: StoredMetrics, sessions: StoredSessions, url: str
) -> None:
    """After another program deleted the row, the next write makes one with the sums of all agents."""
    session_id = await session_of(sessions, 1, JANUARY)
    await metrics.record(session_id, "AJ_1", totals(2, 100.0))
    execute(url, "DELETE FROM session_metrics")
    await metrics.record(session_id, "AJ_2", totals(1, 100.0))
    assert execute(url, "SELECT message_count FROM session_metrics") == [(3,)]


async def test_the_cost_of_each_stage_is_the_sum_over_its_agents(
    metrics: StoredMetrics, sessions: StoredSessions, url: str
) -> None:
    """A stage whose price one of the agents did not know has no cost; the total has what is known."""
    session_id = await session_of(sessions, 1, JANUARY, live=True)
    for part, costs in (("AJ_1", Costs(stt=5, llm=None, tts=1)), ("AJ_2", Costs(5, 20, 2**31))):
        found = totals(1, 100.0)
        found.costs, found.cost = costs, costs.known
        await metrics.record(session_id, part, found)
    ((total, details),) = execute(url, "SELECT total_cost, metadata FROM session_metrics")
    details = json.loads(details) if isinstance(details, str) else details
    assert (details["cost_stt"], details["cost_llm"]) == (10, None)
    assert details["cost_tts"] == 2**31 + 1
    assert total == 2**31 - 1


async def test_latency_is_weighted_by_messages(
    metrics: StoredMetrics, sessions: StoredSessions
) -> None:
    """A session with three answers weighs three times as much as one with a single answer."""
    for answers, llm in ((3, 100.0), (1, 500.0)):
        session_id = await session_of(sessions, 1, JANUARY)
        await metrics.record(session_id, "AJ_1", totals(answers, llm))
    await session_of(sessions, 1, JANUARY)  # without a turn it only counts as a session
    assert await metrics.agent(1, DateRange()) == AgentMetrics(1, 3, 0, 200.0, 0.0)


async def test_costs_are_dollars(
    metrics: StoredMetrics, sessions: StoredSessions, url: str
) -> None:
    """Costs are summed in micro-cents, beyond 32 bits, and returned in dollars."""
    for _ in range(3):
        session_id = await session_of(sessions, 2, JANUARY)
        await metrics.record(session_id, "AJ_1", totals(1, 10.0))
    execute(url, "UPDATE session_metrics SET total_cost = 2000000000")
    assert (await metrics.agent(2, DateRange())).total_cost_usd == 60.0
    assert (await metrics.tenant(9, DateRange())).total_cost_usd == 60.0
    assert (await metrics.session(session_id)) == SessionMetrics(session_id, 1, 10.0, 20.0)


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
async def test_range_includes_its_start_and_excludes_its_end(
    metrics: StoredMetrics,
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
    assert (await metrics.agent(1, dates)).total_sessions == expected
    assert (await metrics.tenant(9, dates)).total_sessions == expected
    assert (await metrics.agent(1, dates)).active_sessions == (
        expected if start == FEBRUARY else int(end is None)
    )


async def test_active_agents_of_a_tenant(metrics: StoredMetrics, sessions: StoredSessions) -> None:
    """An active agent counts once, however many live sessions it has; one without any does not count."""
    await session_of(sessions, 1, JANUARY, live=True)
    await session_of(sessions, 1, JANUARY, live=True)
    await session_of(sessions, 2, JANUARY)
    assert await metrics.tenant(9, DateRange()) == TenantMetrics(9, 1, 3, 0.0)


async def test_metrics_of_an_unknown_session_are_not_stored(
    metrics: StoredMetrics, url: str
) -> None:
    """Recording metrics of an unknown session stores no row."""
    assert not await metrics.record("nobody", "AJ_1", totals(1, 10.0))
    assert execute(url, "SELECT COUNT(*) FROM session_metrics") == [(0,)]


async def test_range_reads_times_of_other_programs(
    metrics: StoredMetrics, sessions: StoredSessions, url: str
) -> None:
    """A time without a fraction, as CURRENT_TIMESTAMP writes it, equals the start of a range."""
    await session_of(sessions, 1, JANUARY)
    execute(url, "UPDATE agent_instance_sessions SET started_at = '2026-01-01 00:00:00'")
    assert (await metrics.agent(1, DateRange(JANUARY))).total_sessions == 1
    assert (await metrics.agent(1, DateRange(None, JANUARY))).total_sessions == 0
