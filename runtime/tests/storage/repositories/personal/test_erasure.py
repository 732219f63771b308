"""A caller is found in every table that can hold one, erased from it, and not found again."""

from __future__ import annotations

import json

import pytest

from agent_runtime.application.caller_erasure import erase_caller
from agent_runtime.domain.agents.agent import Registration
from agent_runtime.domain.callers.erasure import CallerIsLive, Erasure
from agent_runtime.domain.callers.privacy import PrivacyTier, Pseudonyms
from agent_runtime.domain.session import SessionStatus, new_session
from agent_runtime.storage import Database, RegisteredAgents, StoredSessions
from agent_runtime.storage.repositories.keeping import Keeping
from agent_runtime.storage.repositories.personal import erasure as module
from agent_runtime.storage.repositories.personal.erasure import CallerRows
from runtime.tests.storage.dashboard import execute

SECRET = "secret"
TABLES = (
    "rooms",
    "participants",
    "agent_instance_sessions",
    "runtime_session_events",
    "runtime_utterances",
    "runtime_requests",
    "langfuse_traces",
    "langfuse_metrics",
    "session_metrics",
    "agent_metrics",
)


@pytest.fixture
def callers(database: Database) -> CallerRows:
    """The rows of callers."""
    return CallerRows(database, Pseudonyms(SECRET))


def rows(url: str) -> list[str]:
    """Every row of the tables that can hold a caller."""
    return [repr(row) for table in TABLES for row in execute(url, f"SELECT * FROM {table}")]


def everything(url: str) -> str:
    """Every value of these rows."""
    return "\n".join(rows(url))


async def ended_session(
    database: Database, agents: RegisteredAgents, identity: str, *, room: str, tier: PrivacyTier
) -> str:
    """A session of that caller that is over."""
    await agents.register(Registration(7, 3, {}, 100, privacy=tier))
    sessions = StoredSessions(database, keeping=Keeping(secret=SECRET))
    session = new_session(7, 3, room, "Ada Lovelace", identity)
    await sessions.create(session)
    await sessions.finish(session.session_id, SessionStatus.ENDED, "told Ada Lovelace goodbye")
    return session.session_id


def plant(url: str, identity: str, session_id: str, number: int) -> None:
    """Rows as other programs write them about one caller."""
    quoted = json.dumps({"caller": {"id": [identity]}}).replace("'", "''")
    escaped = identity.replace("'", "''")
    for statement in (
        (
            "INSERT INTO rooms (room_sid, room_name, started_at, metadata)"
            f" VALUES ('RM_{number}', 'hall-{number}', '2026-01-01 10:00:00', '{quoted}')"
        ),
        (
            "INSERT INTO participants (participant_sid, room_id, identity, name, joined_at, state)"
            f" SELECT 'PA_{number}', id, '{escaped}', 'Ada Lovelace', '2026-01-01 10:00:00', 'left'"
            f" FROM rooms WHERE room_sid = 'RM_{number}'"
        ),
        f"INSERT INTO runtime_utterances (session_id, role, text) VALUES ('{session_id}', 'user', 'Ada')",
        (
            "INSERT INTO runtime_requests (key, body, session_id, is_answered, created_at)"
            f" VALUES ('k{number}', 'digest of {session_id}', '{session_id}', 1, '2026-01-01')"
        ),
        (
            "INSERT INTO langfuse_traces (trace_id, agent_id, tenant_id, session_id,"
            " user_id, input, timestamp)"
            f" VALUES ('t{number}', 7, 3, '{session_id}', '{escaped}', '\"I am Ada\"', '2026-01-01')"
        ),
        (
            "INSERT INTO langfuse_traces (trace_id, agent_id, tenant_id, output, timestamp)"
            f" VALUES ('u{number}', 7, 3, '{quoted}', '2026-01-01')"
        ),
        (
            "INSERT INTO langfuse_metrics (agent_id, tenant_id, date, metadata)"
            f" VALUES (7, 3, '2026-01-01', '{quoted}')"
        ),
        (
            "INSERT INTO session_metrics (session_id, agent_id, tenant_id, date, metadata)"
            f" VALUES ('{session_id}', 7, 3, '2026-01-01', '{quoted}')"
        ),
        (
            "INSERT INTO agent_metrics (agent_id, tenant_id, metric_type, metric_label)"
            f" VALUES (7, 3, 'calls', '{escaped}')"
        ),
    ):
        execute(url, statement)


@pytest.mark.parametrize(
    "identity", ["visitor-9", "+493012345678", 'Zoë\'s "phone" 100%_!', "日本"]
)
@pytest.mark.parametrize("tier", [PrivacyTier.FULL, PrivacyTier.NONE])
async def test_every_table(
    database: Database,
    agents: RegisteredAgents,
    callers: CallerRows,
    url: str,
    identity: str,
    tier: PrivacyTier,
) -> None:
    """Counting changes nothing; erasing leaves nothing of the caller, and other rows as they were."""
    other = await ended_session(database, agents, "visitor-99", room="other", tier=tier)
    plant(url, "visitor-99", other, 1)
    others = rows(url)
    mine = await ended_session(database, agents, identity, room="lobby", tier=tier)
    plant(url, identity, mine, 2)
    counted = await erase_caller(callers, identity, dry_run=True)
    expected = {
        "rooms": 1,
        "participants": 1,
        "agent_instance_sessions": 1,
        "runtime_session_events": 2,
        "runtime_utterances": 1,
        "runtime_requests": 1,
        "langfuse_traces": 2,
        "langfuse_metrics": 1,
        "session_metrics": 1,
        "agent_metrics": 1,
    }
    assert counted == Erasure(expected, erased=False, remaining=expected)
    assert await erase_caller(callers, identity, dry_run=False) == Erasure(expected, True, {})
    left = everything(url)
    for name in (identity, json.dumps(identity)[1:-1], Pseudonyms(SECRET).of(identity)):
        assert name not in left.replace("visitor-99", "")
    assert (await callers.find(identity, [mine])).rows == {}
    assert set(others) <= set(rows(url))


async def test_telephone_in_the_name_of_a_room(
    database: Database, agents: RegisteredAgents, callers: CallerRows, url: str
) -> None:
    """A room that LiveKit named after the caller's number is the caller's, with all of its sessions."""
    await agents.register(Registration(7, 3, {}, 100))
    sessions = StoredSessions(database)
    session = new_session(7, 3, "agent-7-room_+4930123456_x8Kd")
    await sessions.create(session)
    await sessions.finish(session.session_id, SessionStatus.ENDED)
    done = await erase_caller(callers, "sip_+4930123456", dry_run=False)
    assert done.found == {"agent_instance_sessions": 1, "runtime_session_events": 2}
    assert done.remaining == {}
    assert "123456" not in everything(url)


async def test_session_of_a_widget_is_found_by_the_stay_in_its_room(
    database: Database, agents: RegisteredAgents, callers: CallerRows, url: str
) -> None:
    """A session that names nobody is the caller's when the caller was in its room at the time."""
    await agents.register(Registration(7, 3, {}, 100))
    sessions = StoredSessions(database)
    ids = []
    for _ in range(2):
        session = new_session(7, 3, "agent-7-room")
        await sessions.create(session)
        await sessions.finish(session.session_id, SessionStatus.ENDED)
        ids.append(session.session_id)
    execute(
        url,
        "UPDATE agent_instance_sessions SET started_at = '2026-01-01 12:00:00',"
        f" ended_at = '2026-01-01 12:05:00' WHERE session_id = '{ids[1]}'",
    )
    execute(
        url,
        "INSERT INTO rooms (room_sid, room_name, started_at) VALUES ('RM', 'agent-7-room', '2026-01-01')",
    )
    execute(
        url,
        "INSERT INTO participants (participant_sid, room_id, identity, joined_at, left_at, state)"
        " SELECT 'PA', id, 'visitor-9', '2026-01-01 12:01:00', '2026-01-01 12:04:00', 'left' FROM rooms",
    )
    found = await callers.find("visitor-9")
    assert found.sessions == (ids[1],)
    assert found.rows == {"participants": 1, "runtime_session_events": 2}


@pytest.mark.parametrize("tier", list(PrivacyTier))
async def test_live_session_is_refused(
    database: Database, agents: RegisteredAgents, callers: CallerRows, url: str, tier: PrivacyTier
) -> None:
    """While a session of the caller is live nothing is erased, in any tier; the error names the session."""
    await agents.register(Registration(7, 3, {}, 100, privacy=tier))
    session = new_session(7, 3, "lobby", "Ada", "+493012345678")
    await StoredSessions(database, keeping=Keeping(secret=SECRET)).create(session)
    before = everything(url)
    with pytest.raises(CallerIsLive, match=session.session_id):
        await erase_caller(callers, "+493012345678", dry_run=False)
    assert everything(url) == before


async def test_common_word_finds_no_one_else(
    database: Database, agents: RegisteredAgents, callers: CallerRows, url: str
) -> None:
    """An identity that is also a word of our own texts, or of their keys, does not find those texts."""
    await ended_session(database, agents, "visitor-9", room="caller", tier=PrivacyTier.FULL)
    execute(url, 'UPDATE agent_instance_sessions SET metadata = \'{"caller": "the caller left"}\'')
    assert (await callers.find("caller")).rows == {}


async def test_tables_are_read_in_pieces(
    database: Database,
    agents: RegisteredAgents,
    callers: CallerRows,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A caller is found in every piece of a table."""
    monkeypatch.setattr(module, "WINDOW", 2)
    for number in range(5):
        await ended_session(database, agents, "visitor-9", room=f"r{number}", tier=PrivacyTier.FULL)
    found = await callers.find("visitor-9")
    assert found.rows["agent_instance_sessions"] == len(found.sessions) == 5
