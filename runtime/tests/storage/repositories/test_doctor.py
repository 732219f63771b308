"""The doctor: silent on true rows, and names each kind of untrue one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from agent_runtime.domain.agent import Registration
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

from .dashboard import execute
from .holders import HOLDER

S = "agent_instance_sessions"
L = "runtime_live_sessions"
E = "runtime_session_events"


@pytest.fixture
async def rows(
    agents: RegisteredAgents, sessions: StoredSessions, database: Database
) -> dict[str, str]:
    """Ids of one session in each state."""
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


async def test_true_rows_are_fine(rows: dict[str, str], database: Database) -> None:
    """Sessions in every state, left by our own statements, break no law."""
    assert len(rows) == 5
    assert await Doctor(database).examine() == []


@pytest.mark.parametrize(
    ("statement", "law"),
    [
        (f"UPDATE {S} SET status = 'busy' WHERE session_id = '{{talking}}'", "is one of"),
        (f"DELETE FROM {L} WHERE session_id = '{{talking}}'", "that lives has a lease"),
        (f"UPDATE {S} SET status = 'ended' WHERE session_id = '{{talking}}'", "is over has none"),
        (f"UPDATE {L} SET session_id = 'x' WHERE session_id = '{{asked}}'", "a lease is a session"),
        (f"UPDATE {S} SET ended_at = NULL WHERE session_id = '{{ended}}'", "an end and a duration"),
        (
            f"UPDATE {S} SET duration_seconds = NULL WHERE session_id = '{{ended}}'",
            "an end and a duration",
        ),
        (f"UPDATE {S} SET duration_seconds = -3 WHERE session_id = '{{ended}}'", "ends before"),
        (
            f"UPDATE {S} SET ended_at = started_at WHERE session_id = '{{talking}}'",
            "that lives has no end",
        ),
        (f"UPDATE {L} SET holder = NULL WHERE session_id = '{{talking}}'", "has a job"),
        (f"UPDATE {L} SET holder = 'AJ' WHERE session_id = '{{waiting}}'", "has a job"),
        (f"UPDATE {L} SET claimed_room = NULL WHERE session_id = '{{talking}}'", "has its room"),
        ("UPDATE runtime_registrations SET max_sessions = 1", "no more sessions"),
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
            "as the session did",
        ),
        (
            (
                "INSERT INTO runtime_utterances (session_id, role, text) "
                "VALUES ('{ended}', 'user', 'Hello')"
            ),
            "outlives its session",
        ),
        (f"UPDATE {S} SET metadata = NULL WHERE session_id = '{{error}}'", "has its reason"),
    ],
)
async def test_each_broken_law_is_named(
    rows: dict[str, str], database: Database, url: str, statement: str, law: str
) -> None:
    """One row is changed by hand: the law that it breaks is told."""
    execute(url, statement.format(**rows))
    found = await Doctor(database).examine()
    assert any(law in broken.law for broken in found), found


async def test_a_session_that_nobody_watches(rows: dict[str, str], database: Database) -> None:
    """Leases that are silent for a minute are told, with the remedy."""
    later = datetime.now(UTC) + timedelta(minutes=2)
    found = await Doctor(database).examine(later)
    assert {broken.whose for broken in found} == {rows[n] for n in ("asked", "waiting", "talking")}
    assert "does no API run?" in str(found[0])


async def test_what_another_version_left_is_mended(
    rows: dict[str, str], sessions: StoredSessions, database: Database, url: str
) -> None:
    """A row that says it lives, and that nothing of ours knows, becomes an error; once."""
    execute(url, f"DELETE FROM {L} WHERE session_id = '{rows['talking']}'")
    execute(url, "DELETE FROM runtime_utterances")
    (mended,) = await sessions.end_orphans()
    assert mended.session_id == rows["talking"]
    assert await sessions.end_orphans() == []
    assert await Doctor(database).examine() == []
    after = await sessions.get(rows["talking"])
    assert after is not None
    assert (after.status, after.reason) == (SessionStatus.ERROR, "left behind by a crash")
