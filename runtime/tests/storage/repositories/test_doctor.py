"""The doctor reports every broken law, and nothing on valid rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from agent_runtime.domain.agents.agent import Registration
from agent_runtime.domain.lease import Utterance
from agent_runtime.domain.session import SessionStatus, new_session
from agent_runtime.storage import (
    Database,
    Doctor,
    RegisteredAgents,
    StoredLeases,
    StoredSessions,
    StoredTranscripts,
)
from runtime.tests.storage.dashboard import execute

from .holders import HOLDER

S = "agent_instance_sessions"
L = "runtime_live_sessions"
E = "runtime_session_events"


@pytest.fixture
async def rows(
    agents: RegisteredAgents, sessions: StoredSessions, database: Database
) -> dict[str, str]:
    """The ids of one session in each state."""
    await agents.register(Registration(7, 3, {}, 10))
    made = {}
    for name in ("asked", "waiting", "talking", "ended", "error"):
        session = new_session(7, 3, f"room-{name}")
        await sessions.create(session)
        made[name] = session.session_id
    leases = StoredLeases(database)
    await leases.mark_refused(made["waiting"])
    await sessions.activate(made["talking"], HOLDER)
    await StoredTranscripts(database).add(made["talking"], Utterance("user", "Hello"))
    await sessions.activate(made["ended"], HOLDER)
    await sessions.finish(made["ended"], SessionStatus.ENDED, "the caller left")
    await sessions.finish(made["error"], SessionStatus.ERROR, "no worker")
    return made


async def test_valid_rows_break_no_law(rows: dict[str, str], database: Database) -> None:
    """Sessions in every state, written by the runtime itself, break no law."""
    assert len(rows) == 5
    assert await Doctor(database).examine() == []


@pytest.mark.parametrize(
    ("statement", "law"),
    [
        (f"UPDATE {S} SET status = 'busy' WHERE session_id = '{{talking}}'", "status is one of"),
        (f"DELETE FROM {L} WHERE session_id = '{{talking}}'", "a live session has a lease"),
        (
            f"UPDATE {S} SET status = 'ended' WHERE session_id = '{{talking}}'",
            "is over has no lease",
        ),
        (f"UPDATE {L} SET session_id = 'x' WHERE session_id = '{{asked}}'", "a lease belongs"),
        (f"UPDATE {S} SET ended_at = NULL WHERE session_id = '{{ended}}'", "an end and a duration"),
        (
            f"UPDATE {S} SET duration_seconds = NULL WHERE session_id = '{{ended}}'",
            "an end and a duration",
        ),
        (f"UPDATE {S} SET duration_seconds = -3 WHERE session_id = '{{ended}}'", "ends before"),
        (
            f"UPDATE {S} SET ended_at = started_at WHERE session_id = '{{talking}}'",
            "a live session has no end",
        ),
        (f"UPDATE {L} SET holder = NULL WHERE session_id = '{{talking}}'", "has a job"),
        (f"UPDATE {L} SET holder = 'AJ' WHERE session_id = '{{waiting}}'", "has a job"),
        (f"UPDATE {L} SET claimed_room = NULL WHERE session_id = '{{talking}}'", "holds its room"),
        ("UPDATE runtime_registrations SET max_sessions = 1", "at most its maximum"),
        (
            (
                f"INSERT INTO {E} (session_id, at, kind, detail) "
                f"SELECT session_id, at, 'error', '' FROM {E} "
                "WHERE session_id = '{ended}' AND kind = 'ended'"
            ),
            "ends once",
        ),
        (
            f"DELETE FROM {E} WHERE session_id = '{{ended}}' AND kind = 'ended'",
            "as its status says",
        ),
        (
            (
                "INSERT INTO runtime_utterances (session_id, role, text) "
                "VALUES ('{ended}', 'user', 'Hello')"
            ),
            "transcript outlives",
        ),
        (f"UPDATE {S} SET metadata = NULL WHERE session_id = '{{error}}'", "has its reason"),
    ],
)
async def test_each_broken_law_is_named(
    rows: dict[str, str], database: Database, url: str, statement: str, law: str
) -> None:
    """A row that is changed by hand is reported with the law that it breaks."""
    execute(url, statement.format(**rows))
    found = await Doctor(database).examine()
    assert any(law in violation.law for violation in found), found


async def test_unsupervised_sessions(rows: dict[str, str], database: Database) -> None:
    """Leases without a change for a minute are reported with the likely cause."""
    later = datetime.now(UTC) + timedelta(minutes=2)
    found = await Doctor(database).examine(later)
    assert {violation.key for violation in found} == {
        rows[n] for n in ("asked", "waiting", "talking")
    }
    assert "is no API running?" in str(found[0])


async def test_session_without_a_live_row_is_ended_once(
    rows: dict[str, str], sessions: StoredSessions, database: Database, url: str
) -> None:
    """A live session without a live row becomes an error, and is not ended again."""
    execute(url, f"DELETE FROM {L} WHERE session_id = '{rows['talking']}'")
    execute(url, "DELETE FROM runtime_utterances")
    (ended,) = await sessions.end_orphans()
    assert ended.session_id == rows["talking"]
    assert await sessions.end_orphans() == []
    assert await Doctor(database).examine() == []
    after = await sessions.get(rows["talking"])
    assert after is not None
    assert (after.status, after.reason) == (SessionStatus.ERROR, "left behind by a crash")
