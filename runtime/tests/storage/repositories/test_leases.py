"""Leases: claimed, renewed, lost and taken over, by changes that state what they expect."""

from __future__ import annotations

import asyncio
import json

import pytest

from agent_runtime.domain.agents.agent import Registration
from agent_runtime.domain.errors import SessionHeld, SessionOver
from agent_runtime.domain.job import JobOrder, JobTarget
from agent_runtime.domain.lease import Holder, Holding, LiveSession, Phase
from agent_runtime.domain.session import Session, SessionStatus, new_session
from agent_runtime.storage import (
    Database,
    RegisteredAgents,
    StoredEvents,
    StoredLeases,
    StoredSessions,
)
from agent_runtime.storage.schema.runtime import LiveSessions
from agent_runtime.storage.sql.statements import bind

from .holders import FIRST, HOLDER, OTHER, SECOND

AGENT = 7


@pytest.fixture
def leases(database: Database) -> StoredLeases:
    """The leases of the database."""
    return StoredLeases(database)


@pytest.fixture
async def session(agents: RegisteredAgents, sessions: StoredSessions) -> Session:
    """A session that waits for its agent."""
    await agents.register(Registration(AGENT, 3, {}, 10))
    made = new_session(AGENT, 3, "lobby", "Ada")
    await sessions.create(made)
    return made


async def test_an_order_comes_from_the_rows(
    leases: StoredLeases, sessions: StoredSessions, session: Session
) -> None:
    """Room and metadata of a job are those of the session, and there is none for a held or unknown one."""
    order = await leases.order(session.session_id)
    target = JobTarget(AGENT, session.session_id, 3, {"participantName": "Ada"})
    assert order == JobOrder("lobby", target.to_metadata())
    assert await leases.record_dispatch(await the_only(leases), "again")
    again = await leases.order(session.session_id)
    assert again is not None
    assert json.loads(again.metadata)["dispatchNumber"] == 2
    await leases.claim(session.session_id, Holder("job", "worker", 2))
    assert await leases.order(session.session_id) is None
    assert await leases.order("unknown") is None
    await sessions.finish(session.session_id, SessionStatus.ENDED)
    assert await leases.order(session.session_id) is None


async def test_a_namespace_sees_its_own_sessions(
    database: Database, agents: RegisteredAgents, session: Session
) -> None:
    """Leases of another deployment are not read, so nobody ends them; without a namespace all read it."""
    await agents.register(Registration(8, 3, {}, 10))
    theirs = new_session(8, 3, "their-room")
    await StoredSessions(database, "theirs").create(theirs)
    seen = {
        name: {one.session.session_id for one in await StoredLeases(database, name).live()}
        for name in ("ours", "theirs", None)
    }
    both = {session.session_id, theirs.session_id}
    assert seen == {"ours": {session.session_id}, "theirs": both, None: both}


async def the_only(leases: StoredLeases) -> LiveSession:
    """The lease of the only live session."""
    (found,) = await leases.live()
    return found


async def kinds(database: Database, session: Session) -> list[str]:
    """The kinds of the session's events."""
    return [event.kind for _, event in await StoredEvents(database).read(session.session_id)]


async def test_phases_and_events_of_a_session(
    leases: StoredLeases, sessions: StoredSessions, session: Session, database: Database
) -> None:
    """From the dispatch to the end each phase is stored, and each step has one event."""
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


async def test_a_row_that_did_not_change_is_read_once(
    leases: StoredLeases, session: Session
) -> None:
    """A look at the sessions parses only the rows that have changed since the last one."""
    first = await the_only(leases)
    assert await the_only(leases) is first
    await leases.claim(session.session_id, HOLDER)
    then = await the_only(leases)
    assert (then.phase, then.beats) == (Phase.STARTING, first.beats + 1)


async def test_a_room_is_live_while_a_session_is_in_it(
    leases: StoredLeases, sessions: StoredSessions, session: Session
) -> None:
    """A room has a live session from the create to the end."""
    assert await leases.is_live("lobby")
    assert not await leases.is_live("hall")
    await sessions.finish(session.session_id, SessionStatus.ENDED)
    assert not await leases.is_live("lobby")


async def test_two_jobs_never_hold_one_session(
    leases: StoredLeases, sessions: StoredSessions, session: Session
) -> None:
    """Of concurrent jobs one gets the session; the others can neither join nor end it."""
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


async def test_lease_expires_only_without_a_heartbeat(
    leases: StoredLeases, sessions: StoredSessions, session: Session, database: Database
) -> None:
    """A heartbeat after the lease was read keeps it from expiring."""
    await sessions.activate(session.session_id, HOLDER)
    seen = await the_only(leases)
    await sessions.heartbeat(session.session_id, HOLDER)
    assert not await leases.expire(seen, "silent")
    assert await leases.expire(await the_only(leases), "silent")
    live = await the_only(leases)
    assert (live.phase, live.holder, live.lost_by) == (Phase.WAITING, None, "worker-one")
    assert await sessions.heartbeat(session.session_id, HOLDER) is Holding.FREE
    assert await kinds(database, session) == ["created", "talking", "lost"]


async def test_a_dispatch_is_recorded_once(
    leases: StoredLeases, session: Session, database: Database
) -> None:
    """Two supervisors that read the same lease record one dispatch between them."""
    seen = await the_only(leases)
    results = await asyncio.gather(
        leases.record_dispatch(seen, "again"), leases.record_dispatch(seen, "again")
    )
    assert sorted(results) == [False, True]
    assert await kinds(database, session) == ["created", "asked"]
    assert (await the_only(leases)).dispatches == 2
    await leases.claim(session.session_id, SECOND)
    assert not await leases.record_dispatch(await the_only(leases), "held already")


async def test_job_of_an_earlier_dispatch_is_too_late(
    leases: StoredLeases, sessions: StoredSessions, session: Session
) -> None:
    """After another dispatch an earlier job can neither claim the session, nor join, nor come back."""
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


async def test_unnumbered_job_serves_an_unnumbered_dispatch(
    database: Database, leases: StoredLeases, sessions: StoredSessions, session: Session
) -> None:
    """While versions are mixed, a job that does not know its dispatch serves one of an earlier version."""
    await leases.record_dispatch(await the_only(leases), "by this version")
    await database.write(
        database.dialect.raw("UPDATE runtime_live_sessions SET dispatches = 3").bind()
    )
    with pytest.raises(SessionHeld):
        await leases.claim(session.session_id, SECOND)
    assert await leases.claim(session.session_id, OTHER) == 3
    await sessions.activate(session.session_id, OTHER)
    assert (await the_only(leases)).holder == OTHER


async def test_first_worker_of_a_moved_job_releases_nothing(
    leases: StoredLeases, sessions: StoredSessions, session: Session
) -> None:
    """When LiveKit has moved a job to another worker, only that worker may release it."""
    first, second = Holder("AJ_one", "worker-one"), Holder("AJ_one", "worker-two")
    await leases.claim(session.session_id, first)
    await leases.claim(session.session_id, second)
    assert not await leases.release(session.session_id, first, "it never came")
    await sessions.activate(session.session_id, second)
    with pytest.raises(SessionHeld):
        await leases.claim(session.session_id, first)
    assert (await the_only(leases)).holder == second
    assert await leases.release(session.session_id, second, "died")


async def test_session_with_a_job_is_not_given_up(
    leases: StoredLeases, sessions: StoredSessions, session: Session
) -> None:
    """A delayed supervisor does not end a session that a job holds, or has held, since it was read."""
    before = await the_only(leases)
    await leases.claim(session.session_id, HOLDER)
    for seen in (before, await the_only(leases)):
        assert not await sessions.give_up(seen, "no agent")
    await leases.release(session.session_id, HOLDER, "died")
    assert not await sessions.give_up(before, "no agent")  # a job held it meanwhile
    after = await the_only(leases)
    assert await sessions.give_up(after, "no agent")
    stored = await sessions.get(session.session_id)
    assert stored is not None
    assert (stored.status, stored.reason) == (SessionStatus.ERROR, "no agent")
    assert not await sessions.give_up(after, "no agent")


async def test_another_job_takes_over(
    leases: StoredLeases, sessions: StoredSessions, session: Session
) -> None:
    """After a loss another job takes the session over, and the first one does not get it back."""
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


async def test_job_that_lost_its_session_ends_nothing(
    leases: StoredLeases, sessions: StoredSessions, session: Session
) -> None:
    """A job that lost the session cannot end it; a job that fails before any other held it can."""
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


async def test_late_job_ends_nothing(
    leases: StoredLeases, sessions: StoredSessions, session: Session
) -> None:
    """A job of an earlier dispatch cannot end the session; one of the latest dispatch can."""
    await leases.record_dispatch(await the_only(leases), "no worker answered")
    for late in (FIRST, OTHER):
        after = await sessions.finish(session.session_id, SessionStatus.ENDED, "removed", by=late)
        assert after is not None
        assert after.status is SessionStatus.CONNECTING
    after = await sessions.finish(session.session_id, SessionStatus.ERROR, "no key", by=SECOND)
    assert after is not None
    assert after.status is SessionStatus.ERROR


async def test_refused_session_waits(leases: StoredLeases, session: Session) -> None:
    """A refusal sets the phase to waiting, unless another job has claimed the session."""
    await leases.mark_refused(session.session_id)
    assert (await the_only(leases)).phase is Phase.WAITING
    await leases.claim(session.session_id, HOLDER)
    await leases.mark_refused(session.session_id)
    assert (await the_only(leases)).phase is Phase.STARTING


async def test_nothing_takes_an_ended_session(
    leases: StoredLeases, sessions: StoredSessions, session: Session
) -> None:
    """A session that has ended cannot be claimed, renewed or released."""
    await sessions.finish(session.session_id, SessionStatus.ENDED)
    with pytest.raises(SessionOver):
        await leases.claim(session.session_id, HOLDER)
    assert await sessions.heartbeat(session.session_id, HOLDER) is Holding.OVER
    assert not await leases.release(session.session_id, HOLDER, "late")


async def test_unreadable_row_hides_no_other(
    leases: StoredLeases,
    sessions: StoredSessions,
    session: Session,
    database: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A row that another program has spoilt is logged, and the other sessions are still read."""
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
