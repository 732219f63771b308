"""What the watcher does about sessions without an agent, case by case; `walk` has all at once."""

from __future__ import annotations

import itertools
from dataclasses import replace

from agent_runtime.domain.dispatch_rules import (
    Action,
    CheckForCaller,
    DispatchRules,
    DispatchTimeouts,
    ExpireLease,
    GiveUp,
    Redispatch,
)
from agent_runtime.domain.lease import Holder, LiveSession, Phase, WorkerState
from agent_runtime.domain.session import SessionStatus, new_session

TERMS = DispatchTimeouts()
JOB = Holder("AJ_1", "worker-one")
ASKED = LiveSession(new_session(7, 3, "lobby"), Phase.ASKED, None, beats=0, dispatches=1)
ACTIVE = replace(ASKED.session, status=SessionStatus.ACTIVE)
TALKING = replace(ASKED, session=ACTIVE, phase=Phase.TALKING, holder=JOB)
WAITING = replace(ASKED, phase=Phase.WAITING)
STEP = 0.25


def looks(
    watch: DispatchRules, seconds: float, *live: LiveSession, start: float = 0.0
) -> list[Action]:
    """The actions of looking at the same sessions again and again for some time."""
    found: list[Action] = []
    for tick in range(int(seconds / STEP) + 1):
        found += watch.look(start + tick * STEP, live, [])
    return found


def worker(name: str = "worker-one", *, free: int = 1, beat: str = "1") -> WorkerState:
    """A worker's row."""
    return WorkerState(name, beat, "running", active=1, free=free)


def test_a_dispatch_that_nobody_answers_is_sent_again() -> None:
    """After its patience, and again with growing pauses; not a moment before."""
    watch = DispatchRules(TERMS)
    assert looks(watch, TERMS.answer, ASKED) == []
    (again,) = looks(watch, 0.25, ASKED, start=TERMS.answer + STEP)
    assert isinstance(again, Redispatch)
    assert not again.for_caller


def test_pauses_between_tries_grow_to_a_bound() -> None:
    """Nobody floods LiveKit with dispatches, and nobody waits for minutes."""
    watch = DispatchRules(replace(TERMS, deadline=1000))
    times = []
    for tick in range(240):
        now = tick * STEP
        if watch.look(now, [ASKED], []):
            times.append(now)
    pauses = [b - a for a, b in itertools.pairwise(times)]
    assert pauses == sorted(pauses)
    assert max(pauses) <= TERMS.longest + STEP


def test_an_agent_without_a_heartbeat_is_lost() -> None:
    """Within the lease nothing happens, after it the session is taken from the job, by its name."""
    watch = DispatchRules(TERMS)
    assert looks(watch, TERMS.lease, TALKING) == []
    (lost,) = watch.look(TERMS.lease + STEP, [TALKING], [])
    assert isinstance(lost, ExpireLease)
    assert "worker-one" in lost.why


def test_a_heartbeat_keeps_the_lease() -> None:
    """Whatever the clocks of worker and watcher say: only the change counts."""
    watch = DispatchRules(TERMS)
    for tick in range(100):
        assert watch.look(tick * STEP, [replace(TALKING, beats=tick // 4)], []) == []


def test_after_a_sleep_nobody_is_judged() -> None:
    """A watcher that was stopped itself, or whose machine was, starts to look anew."""
    watch = DispatchRules(TERMS)
    looks(watch, 1, TALKING)
    assert watch.look(60, [TALKING], []) == []
    assert looks(watch, TERMS.lease - STEP, TALKING, start=60 + STEP) == []


def test_a_lost_agent_is_asked_for_at_once_if_somebody_waits() -> None:
    """Without a pause; and only for a caller, since the conversation had begun."""
    lost = replace(TALKING, phase=Phase.WAITING, holder=None, lost_by="worker-one")
    (again,) = DispatchRules(TERMS).look(0, [lost], [])
    assert isinstance(again, Redispatch)
    assert again.for_caller


def test_an_abandoned_room_ends_the_session() -> None:
    """When the agent is lost and nobody is there for a while, the session is over."""
    watch = DispatchRules(TERMS)
    lost = replace(TALKING, phase=Phase.WAITING, holder=None)
    ended = None
    for tick in range(100):
        for action in watch.look(tick * STEP, [lost], []):
            if isinstance(action, Redispatch):
                watch.waits(tick * STEP, action.live, somebody=False)
            elif ended is None:
                ended = tick * STEP, action
    assert ended is not None
    when, action = ended
    assert when <= TERMS.abandoned + 1
    assert isinstance(action, GiveUp)
    assert "nobody is in the room" in action.reason


def test_a_room_that_cannot_be_looked_into_is_not_abandoned() -> None:
    """Nobody was there once, then LiveKit was away: somebody may have come. The deadline holds."""
    watch = DispatchRules(TERMS)
    lost = replace(TALKING, phase=Phase.WAITING, holder=None)
    (first,) = watch.look(0, [lost], [])
    assert isinstance(first, Redispatch)
    watch.waits(0, lost, somebody=False)
    later = looks(watch, TERMS.deadline + 1, lost, start=STEP)
    reasons = [action.reason for action in later if isinstance(action, GiveUp)]
    assert reasons
    assert all("no agent within" in reason for reason in reasons)


def test_full_workers_make_a_queue() -> None:
    """The oldest goes first, as many as there are places; the others wait, up to the deadline."""
    watch = DispatchRules(TERMS)
    older, newer = (
        replace(WAITING, session=new_session(7, 3, room)) for room in ("older", "newer")
    )
    assert watch.look(0, [older, newer], [worker(free=0)]) == []
    (first,) = watch.look(1, [older, newer], [worker(free=1, beat="2")])
    assert first.live.session.room_name == "older"


def test_what_is_being_done_is_not_decided_again() -> None:
    """And the place for which an agent is just being asked goes to nobody else."""
    watch = DispatchRules(TERMS)
    older, newer = (
        replace(WAITING, session=new_session(7, 3, room)) for room in ("older", "newer")
    )
    busy = {older.session.session_id}
    assert watch.look(0, [older, newer], [worker(free=1)], busy) == []
    (next_,) = watch.look(1, [older, newer], [worker(free=2, beat="2")], busy)
    assert next_.live.session.room_name == "newer"


def test_nobody_is_kept_in_the_queue_for_a_caller_who_has_gone() -> None:
    """While all workers are full as well: the session is over when nobody waits for it."""
    watch = DispatchRules(TERMS)
    lost = replace(TALKING, phase=Phase.WAITING, holder=None, lost_by="worker-one")
    for tick in range(int((TERMS.abandoned + 1) / STEP)):
        now = tick * STEP
        (*found,) = watch.look(now, [lost], [worker(free=0, beat=str(tick))])
        if tick % 4 == 0 and now <= TERMS.abandoned:
            assert [type(action) for action in found] == [CheckForCaller]
            watch.waits(now, lost, somebody=False)
        elif now <= TERMS.abandoned:
            assert found == []
    assert isinstance(found[-1], GiveUp)
    assert "nobody is in the room" in found[-1].reason


def test_who_waits_in_the_queue_keeps_the_place() -> None:
    """Looked for from time to time; asked for as soon as there is one."""
    watch = DispatchRules(TERMS)
    lost = replace(TALKING, phase=Phase.WAITING, holder=None, lost_by="worker-one")
    for tick in range(60):
        for action in watch.look(tick * STEP, [lost], [worker(free=0, beat=str(tick))]):
            assert isinstance(action, CheckForCaller)
            watch.waits(tick * STEP, lost, somebody=True)
    (ask,) = watch.look(60 * STEP, [lost], [worker(free=1, beat="60")])
    assert isinstance(ask, Redispatch)


def test_what_waits_too_long_is_given_up_with_the_reason() -> None:
    """The reason tells full workers from none at all."""
    for workers, words in (
        (lambda tick: [worker(free=0, beat=str(tick))], "all workers are full (1 worker, 1 calls)"),
        (lambda _tick: [], "no worker is there"),
    ):
        watch, last = DispatchRules(TERMS), None
        for tick in range(int(TERMS.deadline / STEP) + 2):
            actions = watch.look(tick * STEP, [WAITING], workers(tick))
            last = actions[-1] if actions else last
        assert isinstance(last, GiveUp)
        assert words in last.reason


def test_a_worker_that_says_nothing_has_no_places() -> None:
    """The row of a worker that was killed stays; its places do not count."""
    watch = DispatchRules(replace(TERMS, deadline=1000))
    dead = worker("dead", free=50)
    for tick in range(40):
        watch.look(tick * STEP, [], [dead, worker(free=0, beat=str(tick))])
    assert watch.look(10.25, [WAITING], [dead, worker(free=0, beat="last")]) == []
    assert watch.silent_workers(60) == ["dead", "worker-one"]


def test_an_agent_that_dies_of_its_session_is_not_sent_for_ever() -> None:
    """There is a bound, whatever the pauses."""
    (action,) = DispatchRules(TERMS).look(0, [replace(WAITING, dispatches=20)], [])
    assert isinstance(action, GiveUp)


def test_a_caller_without_a_session_is_served_after_a_while() -> None:
    """LiveKit's own dispatch has its chance first; rooms of other names are not ours."""
    watch = DispatchRules(TERMS)
    rooms = ["agent-7-room", "lobby"]
    assert watch.unserved(0, rooms, []) == []
    assert watch.unserved(TERMS.unserved, rooms, []) == ["agent-7-room"]
    assert watch.unserved(TERMS.unserved + 1, rooms, []) == []
    served = replace(ASKED, session=new_session(7, 3, "agent-7-room"))
    assert watch.unserved(100, rooms, [served]) == []
