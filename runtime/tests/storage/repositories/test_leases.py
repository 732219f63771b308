"""Who holds a session: taken, renewed, lost and taken over, by statements that expect what they find."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from agent_runtime.domain.agent import Registration
from agent_runtime.domain.errors import SessionHeld, SessionOver
from agent_runtime.domain.lease import Holder, Holding, LiveSession, Phase, Utterance, WorkerState
from agent_runtime.domain.session import Session, SessionStatus, new_session
from agent_runtime.storage import (
    Database,
    RegisteredAgents,
    StoredEvents,
    StoredLeases,
    StoredSessions,
    StoredTranscripts,
    StoredWorkers,
    leader_lock,
)
from agent_runtime.storage.schema.own import LiveSessions, Utterances
from agent_runtime.storage.sql.statements import bind

from .holders import FIRST, HOLDER, OTHER, SECOND

AGENT = 7


@pytest.fixture
def leases(database: Database) -> StoredLeases:
    """The store under test."""
    return StoredLeases(database)


@pytest.fixture
async def session(agents: RegisteredAgents, sessions: StoredSessions) -> Session:
    """A session that an agent was asked for."""
    await agents.register(Registration(AGENT, 3, {}, 10))
    made = new_session(AGENT, 3, "lobby", "Ada")
    await sessions.create(made)
    return made


async def the_only(leases: StoredLeases) -> LiveSession:
    """The lease of the only session that lives."""
    (found,) = await leases.live()
    return found


async def kinds(database: Database, session: Session) -> list[str]:
    """What happened to the session."""
    return [event.kind for _, event in await StoredEvents(database).read(session.session_id)]


async def test_the_way_of_a_session(
    leases: StoredLeases, sessions: StoredSessions, session: Session, database: Database
) -> None:
    """Asked for, claimed, talking, ended: each phase is stored, and each step told once."""
    live = await the_only(leases)
    assert (live.phase, live.holder, live.dispatches) == (Phase.ASKED, None, 1)
    assert live.variables == {"participantName": "Ada"}
    await leases.claim(session.session_id, HOLDER)
    assert (await the_only(leases)).phase is Phase.STARTING
    await sessions.activate(session.session_id, HOLDER)
    live = await the_only(leases)
    assert (live.phase, live.holder) == (Phase.TALKING, HOLDER)
    await sessions.finish(session.session_id, SessionStatus.ENDED, "done", by=HOLDER)
    await sessions.finish(session.session_id, SessionStatus.ERROR, "too late", by=HOLDER)
    assert await leases.live() == []
    assert await kinds(database, session) == ["created", "claimed", "talking", "ended"]


async def test_two_jobs_never_hold_one_session(
    leases: StoredLeases, sessions: StoredSessions, session: Session
) -> None:
    """Of several jobs at once one gets the session; the others can neither join nor end it."""
    holders = [HOLDER, OTHER]
    results = await asyncio.gather(
        *(leases.claim(session.session_id, holder) for holder in holders), return_exceptions=True
    )
    assert sorted(isinstance(result, SessionHeld) for result in results) == [False, True]
    winner = holders[[isinstance(result, SessionHeld) for result in results].index(False)]
    loser = OTHER if winner is HOLDER else HOLDER
    with pytest.raises(SessionHeld):
        await sessions.activate(session.session_id, loser)
    after = await sessions.finish(session.session_id, SessionStatus.ERROR, "not yours", by=loser)
    assert after is not None
    assert after.status is SessionStatus.CONNECTING
    assert await sessions.heartbeat(session.session_id, loser) is Holding.THEIRS
    assert await sessions.heartbeat(session.session_id, winner) is Holding.OURS


async def test_a_lease_expires_only_without_a_beat(
    leases: StoredLeases, sessions: StoredSessions, session: Session, database: Database
) -> None:
    """What was seen is what must still be there: a heartbeat in between saves the lease."""
    await sessions.activate(session.session_id, HOLDER)
    seen = await the_only(leases)
    await sessions.heartbeat(session.session_id, HOLDER)
    assert not await leases.expire(seen, "silent")
    assert await leases.expire(await the_only(leases), "silent")
    live = await the_only(leases)
    assert (live.phase, live.holder, live.lost_by) == (Phase.WAITING, None, "worker-one")
    assert await sessions.heartbeat(session.session_id, HOLDER) is Holding.FREE
    assert await kinds(database, session) == ["created", "talking", "lost"]


async def test_an_agent_is_asked_for_once(
    leases: StoredLeases, session: Session, database: Database
) -> None:
    """Two watchers that see the same ask once between them."""
    seen = await the_only(leases)
    results = await asyncio.gather(
        leases.record_dispatch(seen, "again"), leases.record_dispatch(seen, "again")
    )
    assert sorted(results) == [False, True]
    assert await kinds(database, session) == ["created", "asked"]
    assert (await the_only(leases)).dispatches == 2
    await leases.claim(session.session_id, SECOND)
    assert not await leases.record_dispatch(await the_only(leases), "held already")


async def test_once_another_was_asked_for_it_is_too_late(
    leases: StoredLeases, sessions: StoredSessions, session: Session
) -> None:
    """A job of an earlier dispatch can neither claim, nor join, nor come back to what it had."""
    await sessions.activate(session.session_id, HOLDER)
    await leases.expire(await the_only(leases), "silent")
    await leases.record_dispatch(await the_only(leases), "again")
    for late in (HOLDER, OTHER, FIRST):
        with pytest.raises(SessionHeld):
            await leases.claim(session.session_id, late)
        with pytest.raises(SessionHeld):
            await sessions.activate(session.session_id, late)
    assert await leases.claim(session.session_id, SECOND) == 2
    await sessions.activate(session.session_id, SECOND)
    assert (await the_only(leases)).holder == SECOND


async def test_a_job_without_a_number_serves_what_an_earlier_version_asked_for(
    database: Database, leases: StoredLeases, sessions: StoredSessions, session: Session
) -> None:
    """While versions are mixed its watcher counts the dispatches, and its jobs do not say theirs."""
    await leases.record_dispatch(await the_only(leases), "by this version")
    await database.write(
        database.dialect.raw("UPDATE runtime_live_sessions SET dispatches = 3").bind()
    )
    with pytest.raises(SessionHeld):
        await leases.claim(session.session_id, SECOND)
    assert await leases.claim(session.session_id, OTHER) == 3
    await sessions.activate(session.session_id, OTHER)
    assert (await the_only(leases)).holder == OTHER


async def test_a_job_that_moves_to_another_worker_is_not_given_back_by_the_first(
    leases: StoredLeases, sessions: StoredSessions, session: Session
) -> None:
    """LiveKit moves it when the first one's line breaks before its yes; then it never came there."""
    first, second = Holder("AJ_one", "worker-one"), Holder("AJ_one", "worker-two")
    await leases.claim(session.session_id, first)
    await leases.claim(session.session_id, second)
    assert not await leases.release(session.session_id, first, "it never came")
    await sessions.activate(session.session_id, second)
    with pytest.raises(SessionHeld):
        await leases.claim(session.session_id, first)
    assert (await the_only(leases)).holder == second
    assert await leases.release(session.session_id, second, "died")


async def test_giving_up_comes_too_late_for_a_session_with_a_job(
    leases: StoredLeases, sessions: StoredSessions, session: Session
) -> None:
    """A watcher that was held up does not end what has an agent meanwhile, or had one."""
    before = await the_only(leases)
    await leases.claim(session.session_id, HOLDER)
    for seen in (before, await the_only(leases)):
        assert not await sessions.give_up(seen, "no agent")
    await leases.release(session.session_id, HOLDER, "died")
    assert not await sessions.give_up(before, "no agent")  # it had one, if not for long
    after = await the_only(leases)
    assert await sessions.give_up(after, "no agent")
    stored = await sessions.get(session.session_id)
    assert stored is not None
    assert (stored.status, stored.reason) == (SessionStatus.ERROR, "no agent")
    assert not await sessions.give_up(after, "no agent")


async def test_taking_over(
    leases: StoredLeases, sessions: StoredSessions, session: Session
) -> None:
    """After a loss another job takes the room over; the one that lost it is out for good."""
    await sessions.activate(session.session_id, HOLDER)
    assert await leases.release(session.session_id, HOLDER, "killed")
    assert not await leases.release(session.session_id, HOLDER, "twice")
    assert await leases.lost_by(session.session_id) == "worker-one"
    assert await leases.claim(session.session_id, OTHER) == 1
    await sessions.activate(session.session_id, OTHER)
    assert await sessions.heartbeat(session.session_id, HOLDER) is Holding.THEIRS
    stored = await sessions.get(session.session_id)
    assert stored is not None
    assert stored.status is SessionStatus.ACTIVE


async def test_whoever_lost_a_session_ends_nothing(
    leases: StoredLeases, sessions: StoredSessions, session: Session
) -> None:
    """Between two holders, the first may not say that it is over; before any, a job that fails may."""
    await sessions.activate(session.session_id, HOLDER)
    await leases.release(session.session_id, HOLDER, "cut off")
    after = await sessions.finish(session.session_id, SessionStatus.ENDED, "I left", by=HOLDER)
    assert after is not None
    assert after.status is SessionStatus.ACTIVE
    fresh = new_session(AGENT, 3, "hall")
    await sessions.create(fresh)
    after = await sessions.finish(fresh.session_id, SessionStatus.ERROR, "no key", by=OTHER)
    assert after is not None
    assert after.status is SessionStatus.ERROR


async def test_whoever_came_too_late_ends_nothing(
    leases: StoredLeases, sessions: StoredSessions, session: Session
) -> None:
    """It is taken out of the room for the agent that was asked for since; the session goes on."""
    await leases.record_dispatch(await the_only(leases), "no worker answered")
    for late in (FIRST, OTHER):
        after = await sessions.finish(session.session_id, SessionStatus.ENDED, "removed", by=late)
        assert after is not None
        assert after.status is SessionStatus.CONNECTING
    after = await sessions.finish(session.session_id, SessionStatus.ERROR, "no key", by=SECOND)
    assert after is not None
    assert after.status is SessionStatus.ERROR


async def test_a_refused_job_waits(leases: StoredLeases, session: Session) -> None:
    """A worker's no shows in the phase, unless another has said yes."""
    await leases.mark_refused(session.session_id)
    assert (await the_only(leases)).phase is Phase.WAITING
    await leases.claim(session.session_id, HOLDER)
    await leases.mark_refused(session.session_id)
    assert (await the_only(leases)).phase is Phase.STARTING


async def test_over_is_over(
    leases: StoredLeases, sessions: StoredSessions, session: Session
) -> None:
    """Nothing takes a session that has ended."""
    await sessions.finish(session.session_id, SessionStatus.ENDED)
    with pytest.raises(SessionOver):
        await leases.claim(session.session_id, HOLDER)
    assert await sessions.heartbeat(session.session_id, HOLDER) is Holding.OVER
    assert not await leases.release(session.session_id, HOLDER, "late")


async def test_words_live_as_long_as_the_session(
    sessions: StoredSessions, session: Session, database: Database
) -> None:
    """What was said is there for the next agent, in order, and gone with the session."""
    words = StoredTranscripts(database)
    for text in ("Hello", "Good\0 day"):
        await words.add(session.session_id, Utterance("user", text))
    assert [said.text for said in await words.read(session.session_id)] == ["Hello", "Good day"]
    await sessions.finish(session.session_id, SessionStatus.ENDED)
    await words.add(session.session_id, Utterance("user", "too late"))
    assert await words.read(session.session_id) == []


async def test_deleting_the_agent_tells_of_each_end(
    agents: RegisteredAgents, session: Session, database: Database
) -> None:
    """Sessions that end with their agent say so in their events."""
    await agents.unregister(AGENT)
    assert await kinds(database, session) == ["created", "ended"]


async def test_events_are_cleared_by_age(session: Session, database: Database) -> None:
    """What is old goes, what is not stays."""
    events, now = StoredEvents(database), datetime.now(UTC)
    await events.clear(now, timedelta(days=1))
    assert len(await events.read(session.session_id)) == 1
    await events.clear(now + timedelta(days=2), timedelta(days=1))
    assert await events.read(session.session_id) == []


async def test_instances_tell_of_themselves(database: Database) -> None:
    """Each word of a worker changes its beat; goodbye ends it."""
    workers, start = StoredWorkers(database, "livekit"), datetime.now(UTC)
    await workers.report(WorkerState("worker-one", "", "running", 1, 4, 9, 17, 300), start)
    (first,) = await workers.all()
    assert (first.active, first.free, first.handled) == (1, 4, 9)
    await workers.report(WorkerState("worker-one", "", "running", 2, 3, 10), start)
    (second,) = await workers.all()
    assert second.beat != first.beat
    assert await StoredWorkers(database, "elsewhere").all() == []
    await workers.report(WorkerState("worker-one", "", "stopped", 0, 0, 10), start)
    assert await workers.all() == []


async def test_a_row_that_another_program_has_spoilt(
    leases: StoredLeases,
    sessions: StoredSessions,
    session: Session,
    database: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is told of, and hides no other session."""
    well = new_session(AGENT, 3, "hall", "Bob")
    await sessions.create(well)
    spoil = database.dialect.compile(
        LiveSessions.update({LiveSessions.phase: "paused"}).where(
            LiveSessions.session_id == bind("session_id")
        )
    )
    await database.write(spoil.bind(session_id=session.session_id))
    assert [one.session.session_id for one in await leases.live()] == [well.session_id]
    assert session.session_id in caplog.text


async def test_words_that_outlived_their_session_are_forgotten(
    session: Session, database: Database
) -> None:
    """As they do when they are written while the session ends; those of a live one stay."""
    words, over = StoredTranscripts(database), new_session(AGENT, 3, "hall", "Bob")
    said = Utterance("user", "hello")
    late = database.dialect.compile(
        Utterances.insert(
            {
                Utterances.session_id: bind("session_id"),
                Utterances.role: "user",
                Utterances.text: "late",
            }
        )
    )
    await words.add(session.session_id, said)
    await database.write(late.bind(session_id=over.session_id))
    await words.clear()
    assert await words.read(over.session_id) == []
    assert await words.read(session.session_id) == [said]


async def test_workers_that_are_gone_are_forgotten_by_age(
    database: Database, sessions: StoredSessions, session: Session
) -> None:
    """Stopped or silent for long, one at a time; not one that lives, nor another namespace's."""
    ours, start = StoredWorkers(database, "livekit"), datetime.now(UTC)
    theirs = StoredWorkers(database, "elsewhere")
    for store, name, status in (
        (ours, "living", "running"),
        (ours, HOLDER.worker, "stopped"),
        (ours, "silent", "running"),
        (theirs, "not-ours", "stopped"),
    ):
        await store.report(WorkerState(name, "", status, 0, 0), start)
    await ours.mark_lost("silent")
    await sessions.activate(session.session_id, HOLDER)
    week = timedelta(days=7)
    await ours.forget(start, week)
    assert await instance_names(database) == ["living", "not-ours", "silent", "worker-one"]
    for left in (3, 2, 2):
        await ours.forget(start + week + timedelta(minutes=1), week)
        assert len(await instance_names(database)) == left
    assert await instance_names(database) == ["living", "not-ours"]
    kept = await sessions.get(session.session_id)
    assert kept is not None
    assert kept.status is SessionStatus.ACTIVE


async def instance_names(database: Database) -> list[str]:
    """Whose rows there are."""
    every = database.dialect.raw("SELECT pod_name FROM agent_runtime_instances ORDER BY pod_name")
    return [name for (name,) in await database.scan(every.bind())]


async def test_one_guard_among_many(url: str) -> None:
    """One has the right to act, and keeps it; another gets it as soon as the first lets go."""
    first, second = leader_lock(url, prepare=True), leader_lock(url, prepare=True)
    assert await first.acquire()
    assert not await second.acquire()
    assert await first.acquire()
    await first.close()
    async with asyncio.timeout(5):
        while not await second.acquire():  # noqa: ASYNC110 - a lock of the server's tells nobody
            await asyncio.sleep(0.05)
    await second.close()
