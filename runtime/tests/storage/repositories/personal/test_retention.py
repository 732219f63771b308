"""What is kept for longer than the settings allow is deleted, and nothing else."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from datetime import UTC, datetime, timedelta

import pytest

from agent_runtime.domain.agents.agent import Registration
from agent_runtime.domain.metrics import SessionTotals, Turn
from agent_runtime.domain.session import SessionStatus, new_session
from agent_runtime.storage import Database, RegisteredAgents, StoredMetrics, StoredSessions
from agent_runtime.storage.repositories.personal import retention as module
from agent_runtime.storage.repositories.personal.retention import RetentionTimes, StoredRetention
from runtime.tests.storage.dashboard import execute

WEEK = timedelta(days=7)
ALL = RetentionTimes(WEEK, WEEK, WEEK, WEEK)
SIP_ROOM = "agent-7-room_+493012345678_x8Kd"


@pytest.fixture(autouse=True)
async def registered(agents: RegisteredAgents) -> None:
    """An agent."""
    await agents.register(Registration(7, 3, {}, 1_000_000))


async def session_of(
    sessions: StoredSessions, metrics: StoredMetrics, url: str, *, room: str, live: bool = False
) -> str:
    """A session of a caller who is known, with figures and a trace."""
    session = new_session(7, 3, room, "Ada", "visitor-9")
    await sessions.create(session)
    totals = SessionTotals()
    totals.add(Turn(by_agent=True))
    await metrics.record(session.session_id, "AJ_1", totals)
    execute(
        url,
        "INSERT INTO langfuse_traces (trace_id, agent_id, tenant_id, session_id, user_id, input, timestamp)"
        f" VALUES ('{session.session_id}', 7, 3, '{session.session_id}', 'visitor-9', '\"hi\"',"
        " CURRENT_TIMESTAMP)",
    )
    if not live:
        await sessions.finish(session.session_id, SessionStatus.ENDED, "told Ada of 0301234567")
    return session.session_id


def kept(url: str) -> list[object]:
    """What is stored of who callers are, and the numbers of events, figures and traces' texts."""
    names = execute(url, "SELECT room_name, metadata FROM agent_instance_sessions ORDER BY id")
    return [
        *((room, json.loads(m) if isinstance(m, str) else m) for room, m in names),
        *(
            execute(url, f"SELECT COUNT(*) FROM {table}")[0][0]
            for table in (
                "runtime_session_events",
                "session_metrics",
                "runtime_metric_parts",
                "langfuse_traces WHERE input IS NOT NULL OR user_id IS NOT NULL",
            )
        ),
    ]


async def test_each_kind_is_kept_for_its_time(
    sessions: StoredSessions, metrics: StoredMetrics, database: Database, url: str
) -> None:
    """Before its time nothing is touched; then the caller, the events, the texts and the figures go."""
    await session_of(sessions, metrics, url, room=SIP_ROOM)
    retention, now = StoredRetention(database, ALL), datetime.now(UTC)
    before = kept(url)
    assert await retention.round(now + timedelta(days=6)) == 0
    assert kept(url) == before
    assert await retention.round(now + timedelta(days=8)) == 5
    assert kept(url) == [
        ("agent-7-room_[number]_x8Kd", {"reason": "told [name] of [number]"}), 0, 0, 0, 0,
    ]  # fmt: skip
    assert execute(url, "SELECT COUNT(*) FROM langfuse_traces") == [(1,)]
    assert await retention.round(now + timedelta(days=9)) == 0


async def test_what_has_no_time_is_kept(
    sessions: StoredSessions, metrics: StoredMetrics, database: Database, url: str
) -> None:
    """A kind without a time is kept for ever."""
    await session_of(sessions, metrics, url, room="lobby")
    before = kept(url)
    later = datetime.now(UTC) + timedelta(days=10_000)
    assert await StoredRetention(database, RetentionTimes()).round(later) == 0
    assert kept(url) == before


async def test_live_sessions_are_never_touched(
    sessions: StoredSessions, metrics: StoredMetrics, database: Database, url: str
) -> None:
    """A session that lives for longer than the times keeps all, and loses it in the first round after."""
    session_id = await session_of(sessions, metrics, url, room="lobby", live=True)
    await session_of(sessions, metrics, url, room="hall")
    retention, now = StoredRetention(database, ALL), datetime.now(UTC)
    assert await retention.round(now + timedelta(days=30)) == 5
    assert kept(url)[0] == ("lobby", {"participantName": "Ada", "participantIdentity": "visitor-9"})
    assert kept(url)[2:] == [1, 1, 1, 1]
    await sessions.finish(session_id, SessionStatus.ENDED)
    assert await retention.round(now + timedelta(days=60)) > 0
    assert kept(url) == [("lobby", {}), ("hall", {"reason": "told [name] of [number]"}), 0, 0, 0, 0]


async def test_traces_of_other_programs_stay(database: Database, url: str) -> None:
    """A trace that belongs to no session of the runtime is another program's."""
    execute(
        url,
        "INSERT INTO langfuse_traces (trace_id, agent_id, tenant_id, session_id, input, timestamp)"
        " VALUES ('t', 7, 3, 'theirs', '1', '2020-01-01')",
    )
    assert await StoredRetention(database, ALL).round(datetime.now(UTC)) == 0
    assert kept(url)[-1] == 1


MANY = 100_000


def insert_many(url: str, kind: str) -> None:
    """Sessions with callers that ended long ago, with an event and figures each."""
    numbers = (
        f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY}) "
        if kind == "sqlite"
        else ""
    )
    source = "n" if kind == "sqlite" else f"generate_series(1, {MANY}) AS n(i)"
    person = "'{\"participantName\": \"Ada ' || i || '\"}'"
    person = person if kind == "sqlite" else f"({person})::json"
    for insert in (
        (
            "INSERT INTO agent_instance_sessions (agent_id, tenant_id, session_id, room_name, status,"
            f" started_at, ended_at, metadata) {numbers}SELECT 7, 3, 's' || i, 'lobby', 'ended',"
            f" '2026-01-01 00:00:00', '2026-01-01 00:01:00', {person} FROM {source}"
        ),
        (
            f"INSERT INTO runtime_session_events (session_id, at, kind, detail) {numbers}"
            f"SELECT 's' || i, '2026-01-01 00:00:00', 'created', '' FROM {source}"
        ),
    ):
        execute(url, insert)


async def test_many_rows_in_bounded_time(
    database: Database,
    database_kind: str,
    sessions: StoredSessions,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """100,000 sessions and events take bounded rounds, and other writes need not wait for them."""
    if database_kind == "postgresql-unprepared":
        return  # the same statements, as often
    insert_many(url, database_kind)
    monkeypatch.setattr(module, "ROUND", 3.0)
    retention, slowest, done = StoredRetention(database, ALL), 0.0, asyncio.Event()

    async def others() -> None:
        nonlocal slowest
        while not done.is_set():
            started = time.monotonic()
            await sessions.create(new_session(7, 3, "lobby"))
            slowest = max(slowest, time.monotonic() - started)
            await asyncio.sleep(0.05)

    writing = asyncio.create_task(others())
    started = time.monotonic()
    changed = 0
    now = datetime(2026, 11, 1, tzinfo=UTC)
    longest = 0.0
    while found := await retention.round(now):
        changed += found
        longest = max(longest, time.monotonic() - started)
        started = time.monotonic()
    done.set()
    await writing
    assert changed == 2 * MANY
    assert longest < 3 * module.ROUND
    assert slowest < 1.0
    assert execute(
        url,
        "SELECT COUNT(*) FROM agent_instance_sessions WHERE CAST(metadata AS text) LIKE '%Ada%'",
    ) == [(0,)]
    logging.getLogger(__name__).info(
        f"{database_kind}: longest round {longest:.1f} s, slowest create {slowest * 1000:.0f} ms"
    )


async def test_statements_have_an_index(database: Database, database_kind: str, url: str) -> None:
    """No statement of a round reads a whole table, once it is large."""
    insert_many(url, "sqlite" if database_kind == "sqlite" else "postgresql")
    if database_kind != "sqlite":
        execute(url, "ANALYZE")
    retention = StoredRetention(database, ALL)
    seen: list[str] = []
    for step in (
        retention._sessions.bind(after=99_000, limit=500),
        retention._hide_caller.bind(row=5, room_name="a", metadata="{}"),
        retention._traces.bind(after=1, limit=500),
        retention._figures.bind(after=1, limit=500),
        retention._drop_parts.bind(session_id="s5"),
        retention._old_events.bind(before=database.moment(datetime(2025, 1, 1, tzinfo=UTC))),
    ):
        values = iter(
            "NULL" if value is None else str(value) if isinstance(value, int) else f"'{value}'"
            for value in step.values
        )
        mark = "?" if database_kind == "sqlite" else "%s"
        pieces = step.statement.sql.split(mark)
        text = "".join(piece + (next(values, "")) for piece in pieces)
        explain = "EXPLAIN QUERY PLAN " if database_kind == "sqlite" else "EXPLAIN "
        plan = "\n".join(str(row[-1]) for row in execute(url, explain + text))
        seen += [
            line
            for line in plan.splitlines()
            if (
                "SCAN" in line
                or "Seq Scan on agent_instance" in line
                or "Seq Scan on runtime_ses" in line
            )
            and "USING" not in line
            and "runtime_live_sessions" not in line
        ]
    assert seen == []
