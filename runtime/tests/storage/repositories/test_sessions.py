"""The repository of sessions: states, rooms, metadata and events."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from agent_runtime.domain.agents.agent import Registration
from agent_runtime.domain.errors import RoomTaken, SessionNotFound, SessionOver, VariablesUnchecked
from agent_runtime.domain.lease import Holding
from agent_runtime.domain.session import Session, SessionStatus, new_session
from agent_runtime.storage import (
    Database,
    RegisteredAgents,
    StoredEvents,
    StoredLeases,
    StoredSessions,
)
from agent_runtime.storage.sql.database import Rows
from agent_runtime.storage.sql.statements import Step
from runtime.tests.storage.dashboard import execute

from .holders import HOLDER

AGENT = 7
TENANT = 3


@pytest.fixture(autouse=True)
async def registered(agents: RegisteredAgents) -> None:
    """An agent that may hold ten sessions."""
    await agents.register(Registration(AGENT, TENANT, {}, 10))


async def created(
    sessions: StoredSessions, room: str = "lobby", age: timedelta = timedelta()
) -> Session:
    """A stored session that has been connecting for `age`."""
    session = new_session(AGENT, TENANT, room, "Ada", now=datetime.now(UTC) - age)
    await sessions.create(session)
    return session


async def test_session_is_read_as_created(sessions: StoredSessions) -> None:
    """A session is read back equal to the one created, to the microsecond."""
    session = await created(sessions)
    assert await sessions.get(session.session_id) == session


async def test_unknown_session_is_none(sessions: StoredSessions) -> None:
    """An unknown id reads as None, ends as None, has no heartbeat, and cannot be activated."""
    assert await sessions.get("nobody") is None
    assert await sessions.get("no\0body") is None
    for nobody in ("no\0body", "nobody" * 50):
        assert await sessions.finish(nobody, SessionStatus.ENDED) is None
    assert await sessions.heartbeat("nobody", HOLDER) is Holding.OVER
    assert await sessions.finish("nobody", SessionStatus.ENDED) is None
    with pytest.raises(SessionNotFound):
        await sessions.activate("nobody", HOLDER)


async def test_activating_is_repeatable(sessions: StoredSessions) -> None:
    """Activating sets a connecting session active and leaves an active one as it is."""
    session = await created(sessions)
    assert (await sessions.activate(session.session_id, HOLDER)).status is SessionStatus.ACTIVE
    assert (await sessions.activate(session.session_id, HOLDER)).status is SessionStatus.ACTIVE


async def test_a_session_keeps_the_version_of_its_agent(sessions: StoredSessions) -> None:
    """The version that talks is in the session's row, also after its end, beside what else is there."""
    session = await created(sessions)
    active = await sessions.activate(session.session_id, HOLDER, 3)
    assert active.agent_version == 3
    again = await sessions.activate(session.session_id, HOLDER)
    assert again.agent_version == 3
    ended = await sessions.finish(session.session_id, SessionStatus.ENDED, "over")
    assert ended is not None
    assert (ended.agent_version, ended.reason) == (3, "over")
    assert ended.participant_name == session.participant_name


async def test_the_version_costs_no_statement(
    sessions: StoredSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Activating a session runs as many statements with a version as without one."""
    database, run = sessions._database, list[int]()
    write = database.write

    async def counted(*steps: Step) -> Rows:
        run.append(len(steps))
        return await write(*steps)

    monkeypatch.setattr(database, "write", counted)
    for version in (None, 3):
        session = await created(sessions, f"room-{version}")
        run.clear()
        await sessions.activate(session.session_id, HOLDER, version)
        assert run == [4]


@pytest.mark.parametrize("final", [SessionStatus.ENDED, SessionStatus.ERROR])
@pytest.mark.parametrize("active", [False, True])
async def test_final_is_final(sessions: StoredSessions, final: SessionStatus, active: bool) -> None:
    """A session that is over keeps its status, reason and time, whatever call follows."""
    session = await created(sessions)
    if active:
        await sessions.activate(session.session_id, HOLDER)
    ended = await sessions.finish(session.session_id, final, "the first reason")
    assert ended is not None
    assert (ended.status, ended.reason) == (final, "the first reason")
    for again in (SessionStatus.ENDED, SessionStatus.ERROR):
        assert await sessions.finish(session.session_id, again, "another") == ended
    with pytest.raises(SessionOver):
        await sessions.activate(session.session_id, HOLDER)
    assert await sessions.heartbeat(session.session_id, HOLDER) is Holding.OVER
    assert await sessions.get(session.session_id) == ended


async def test_duration_is_whole_seconds(sessions: StoredSessions) -> None:
    """The duration is the time from start to end in whole seconds."""
    session = await created(sessions, age=timedelta(seconds=90.2))
    ended = await sessions.finish(session.session_id, SessionStatus.ENDED)
    assert ended is not None
    assert ended.ended_at is not None
    elapsed = (ended.ended_at - ended.started_at).total_seconds()
    assert ended.duration_seconds is not None
    assert abs(ended.duration_seconds - elapsed) <= 1
    assert ended.duration_seconds >= 90


async def test_reason_leaves_the_rest_of_the_metadata(sessions: StoredSessions) -> None:
    """The end keeps the participant's name in the metadata, with or without a reason."""
    with_reason, without = await created(sessions), await created(sessions)
    ended = await sessions.finish(with_reason.session_id, SessionStatus.ERROR, "it \"broke\": 'ö'")
    assert ended is not None
    assert (ended.participant_name, ended.reason) == ("Ada", "it \"broke\": 'ö'")
    ended = await sessions.finish(without.session_id, SessionStatus.ENDED)
    assert ended is not None
    assert (ended.participant_name, ended.reason) == ("Ada", None)


async def test_a_room_has_one_agent(sessions: StoredSessions) -> None:
    """A second session cannot take a room while the first holds it, and can afterwards."""
    first, second = await created(sessions), await created(sessions)
    other = await created(sessions, "elsewhere")
    await sessions.activate(first.session_id, HOLDER)
    with pytest.raises(RoomTaken, match="lobby"):
        await sessions.activate(second.session_id, HOLDER)
    refused = await sessions.get(second.session_id)
    assert refused is not None
    assert refused.status is SessionStatus.CONNECTING
    await sessions.activate(other.session_id, HOLDER)
    await sessions.finish(first.session_id, SessionStatus.ENDED)
    assert (await sessions.activate(second.session_id, HOLDER)).status is SessionStatus.ACTIVE


async def test_one_of_many_gets_the_room(sessions: StoredSessions) -> None:
    """Of ten sessions that claim a room at the same time, one gets it."""
    rivals = [await created(sessions) for _ in range(10)]
    outcomes = await asyncio.gather(
        *(sessions.activate(rival.session_id, HOLDER) for rival in rivals), return_exceptions=True
    )
    assert sum(isinstance(outcome, Session) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, RoomTaken) for outcome in outcomes) == 9


async def test_concurrent_end_and_activation(sessions: StoredSessions) -> None:
    """After an end and an activation at once, the session is over and its room is free."""
    for number in range(20):
        room = f"room-{number}"
        session = await created(sessions, room)
        await asyncio.gather(
            sessions.activate(session.session_id, HOLDER),
            sessions.finish(session.session_id, SessionStatus.ENDED),
            return_exceptions=True,
        )
        stored = await sessions.get(session.session_id)
        assert stored is not None
        assert stored.status is SessionStatus.ENDED
        heir = await created(sessions, room)
        await sessions.activate(heir.session_id, HOLDER)
        await sessions.finish(heir.session_id, SessionStatus.ENDED)
    assert await sessions.live_sessions() == []


async def test_a_clock_that_was_set_back(sessions: StoredSessions, database: Database) -> None:
    """A session whose start lies in the future ends at its start, with a duration of 0."""
    session = await created(sessions, age=timedelta(hours=-1))
    await sessions.activate(session.session_id, HOLDER)
    ended = await sessions.finish(session.session_id, SessionStatus.ENDED, "done")
    assert ended is not None
    assert (ended.duration_seconds, ended.ended_at) == (0, session.started_at)
    events = await StoredEvents(database).read(session.session_id)
    assert [event.kind for _, event in events] == ["created", "talking", "ended"]


async def test_participants_are_counted(sessions: StoredSessions) -> None:
    """The number of participants of a live session is stored."""
    session = await created(sessions)
    await sessions.activate(session.session_id, HOLDER)
    await sessions.set_participant_count(session.session_id, 3)
    stored = await sessions.get(session.session_id)
    assert stored is not None
    assert stored.participant_count == 3


async def test_live_sessions_are_connecting_or_active(sessions: StoredSessions) -> None:
    """Connecting and active sessions are listed, ended and failed ones are not."""
    connecting, active = await created(sessions, "a"), await created(sessions, "b")
    ended, failed = await created(sessions, "c"), await created(sessions, "d")
    await sessions.activate(active.session_id, HOLDER)
    await sessions.finish(ended.session_id, SessionStatus.ENDED)
    await sessions.finish(failed.session_id, SessionStatus.ERROR)
    live = {session.session_id for session in await sessions.live_sessions()}
    assert live == {connecting.session_id, active.session_id}


async def test_texts_are_stored_unchanged(sessions: StoredSessions) -> None:
    """Quotes, placeholders and any script in a text are stored as data."""
    room = "a'b\"c; DROP TABLE x --%s %% ? $1 \\ 日本 🎙"
    session = await created(sessions, room)
    stored = await sessions.get(session.session_id)
    assert stored is not None
    assert stored.room_name == room
    assert await sessions.get(room) is None


@pytest.mark.parametrize("metadata", ["[1]", "null", "3", '{"theirs": {"kept": true}}'])
async def test_metadata_of_other_programs(
    sessions: StoredSessions, url: str, metadata: str
) -> None:
    """Any JSON in the metadata can be read and gets the reason at the end; an object keeps its keys."""
    session = await created(sessions)
    execute(url, f"UPDATE agent_instance_sessions SET metadata = '{metadata}'")
    assert await sessions.get(session.session_id) is not None
    ended = await sessions.finish(session.session_id, SessionStatus.ENDED, "why")
    assert ended is not None
    assert ended.reason == "why"
    ((stored,),) = execute(url, "SELECT CAST(metadata AS text) FROM agent_instance_sessions")
    assert ("kept" in stored) == ("kept" in metadata)


async def test_variables_are_checked_before_a_session_is_stored(
    sessions: StoredSessions, agents: RegisteredAgents, database: Database
) -> None:
    """An agent with variables takes only a checked session; its values are kept beside the live row."""
    await agents.register(Registration(7, TENANT, {}, 10, has_variables=True))
    session = new_session(7, TENANT, "", "Ada", values={"plan": "gold"})
    with pytest.raises(VariablesUnchecked):
        await sessions.create(session)
    assert await sessions.get(session.session_id) is None
    await sessions.create(session, is_checked=True)
    assert await sessions.get(session.session_id) == session
    (live,) = await StoredLeases(database).live()
    assert live.variables == {"participantName": "Ada", "variables": {"plan": "gold"}}
    stored = await sessions.get(session.session_id)
    assert stored is not None
    assert stored.values == {}
    await agents.register(Registration(7, TENANT, {}, 10))
    await sessions.create(new_session(7, TENANT, ""))
