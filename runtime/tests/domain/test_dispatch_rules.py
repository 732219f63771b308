"""The dispatch rules, case by case; `walk` tests all cases together."""

from __future__ import annotations

import itertools
from dataclasses import replace

from agent_runtime.domain.dispatch_rules import (
    MAX_BLIND_DISPATCHES,
    MAX_LOOKS,
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

TIMEOUTS = DispatchTimeouts()
JOB = Holder("AJ_1", "worker-one")
ASKED = LiveSession(new_session(7, 3, "lobby"), Phase.ASKED, None, beats=0, dispatches=1)
ACTIVE = replace(ASKED.session, status=SessionStatus.ACTIVE)
TALKING = replace(ASKED, session=ACTIVE, phase=Phase.TALKING, holder=JOB)
WAITING = replace(ASKED, phase=Phase.WAITING)
STEP = 0.25


def decisions(
    rules: DispatchRules, seconds: float, *live: LiveSession, start: float = 0.0
) -> list[Action]:
    """The actions of all passes over the same sessions during `seconds`."""
    found: list[Action] = []
    for tick in range(int(seconds / STEP) + 1):
        found += rules.decide(start + tick * STEP, live, [])
    return found


def worker(name: str = "worker-one", *, free: int = 1, beat: str = "1") -> WorkerState:
    """A worker's row."""
    return WorkerState(name, beat, "running", active=1, free=free)


def test_an_unanswered_dispatch_is_repeated() -> None:
    """An unanswered dispatch is repeated after the timeout for an answer, and not before."""
    rules = DispatchRules(TIMEOUTS)
    assert decisions(rules, TIMEOUTS.answer, ASKED) == []
    (again,) = decisions(rules, 0.25, ASKED, start=TIMEOUTS.answer + STEP)
    assert isinstance(again, Redispatch)
    assert not again.for_caller


def test_pauses_between_tries_grow_to_a_bound() -> None:
    """The pauses between repeated dispatches never shrink and stay within the longest pause."""
    rules = DispatchRules(replace(TIMEOUTS, deadline=1000))
    times = []
    for tick in range(240):
        now = tick * STEP
        if rules.decide(now, [ASKED], []):
            times.append(now)
    pauses = [b - a for a, b in itertools.pairwise(times)]
    assert pauses == sorted(pauses)
    assert max(pauses) <= TIMEOUTS.longest + STEP


def test_a_long_queue_without_workers_is_dispatched_piece_by_piece() -> None:
    """While no worker reports, a pass repeats so many dispatches and no more; each session has its turn."""
    rules = DispatchRules(replace(TIMEOUTS, deadline=1000))
    queue = [replace(ASKED, session=new_session(7, 3, "")) for _ in range(MAX_BLIND_DISPATCHES * 3)]
    rules.decide(0, queue, [])
    seen: list[str] = []
    for tick in range(3):
        actions = rules.decide(TIMEOUTS.answer + STEP * (1 + tick), queue, [])
        assert len(actions) == MAX_BLIND_DISPATCHES
        seen += [one.live.session.session_id for one in actions]
    assert seen == [one.session.session_id for one in queue]


def test_an_agent_without_a_heartbeat_is_lost() -> None:
    """A lease without a heartbeat expires after its timeout, not before, and names its worker."""
    rules = DispatchRules(TIMEOUTS)
    assert decisions(rules, TIMEOUTS.lease, TALKING) == []
    (lost,) = rules.decide(TIMEOUTS.lease + STEP, [TALKING], [])
    assert isinstance(lost, ExpireLease)
    assert "worker-one" in lost.why


def test_a_heartbeat_keeps_the_lease() -> None:
    """A lease whose row changes does not expire, whatever the clocks of the machines show."""
    rules = DispatchRules(TIMEOUTS)
    for tick in range(100):
        assert rules.decide(tick * STEP, [replace(TALKING, beats=tick // 4)], []) == []


def test_a_suspended_supervisor_starts_anew() -> None:
    """After a pause longer than a lease, all leases get their full timeout again."""
    rules = DispatchRules(TIMEOUTS)
    decisions(rules, 1, TALKING)
    assert rules.decide(60, [TALKING], []) == []
    assert decisions(rules, TIMEOUTS.lease - STEP, TALKING, start=60 + STEP) == []


def test_a_lost_agent_is_replaced_at_once_for_a_caller() -> None:
    """A lost agent is replaced without a pause, but only if a caller is in the room."""
    lost = replace(TALKING, phase=Phase.WAITING, holder=None, lost_by="worker-one")
    (again,) = DispatchRules(TIMEOUTS).decide(0, [lost], [])
    assert isinstance(again, Redispatch)
    assert again.for_caller


def test_an_abandoned_room_ends_the_session() -> None:
    """A session whose agent is lost and whose room stays empty for a while is given up."""
    rules = DispatchRules(TIMEOUTS)
    lost = replace(TALKING, phase=Phase.WAITING, holder=None)
    ended = None
    for tick in range(100):
        for action in rules.decide(tick * STEP, [lost], []):
            if isinstance(action, Redispatch):
                rules.record_caller(tick * STEP, action.live, found=False)
            elif ended is None:
                ended = tick * STEP, action
    assert ended is not None
    when, action = ended
    assert when <= TIMEOUTS.abandoned + 1
    assert isinstance(action, GiveUp)
    assert "nobody is in the room" in action.reason


def test_a_room_that_cannot_be_checked_is_not_abandoned() -> None:
    """One empty check before an outage of LiveKit does not abandon the room; the deadline holds."""
    rules = DispatchRules(TIMEOUTS)
    lost = replace(TALKING, phase=Phase.WAITING, holder=None)
    (first,) = rules.decide(0, [lost], [])
    assert isinstance(first, Redispatch)
    rules.record_caller(0, lost, found=False)
    later = decisions(rules, TIMEOUTS.deadline + 1, lost, start=STEP)
    reasons = [action.reason for action in later if isinstance(action, GiveUp)]
    assert reasons
    assert all("no agent within" in reason for reason in reasons)


def test_full_workers_make_a_queue() -> None:
    """While workers are full sessions wait; the oldest is dispatched first when one has capacity."""
    rules = DispatchRules(TIMEOUTS)
    older, newer = (
        replace(WAITING, session=new_session(7, 3, room)) for room in ("older", "newer")
    )
    assert rules.decide(0, [older, newer], [worker(free=0)]) == []
    (first,) = rules.decide(1, [older, newer], [worker(free=1, beat="2")])
    assert first.live.session.room_name == "older"


def test_a_busy_session_gets_no_second_action() -> None:
    """A busy session gets no action, and the capacity for its dispatch goes to no other session."""
    rules = DispatchRules(TIMEOUTS)
    older, newer = (
        replace(WAITING, session=new_session(7, 3, room)) for room in ("older", "newer")
    )
    busy = {older.session.session_id}
    assert rules.decide(0, [older, newer], [worker(free=1)], busy) == []
    (next_,) = rules.decide(1, [older, newer], [worker(free=2, beat="2")], busy)
    assert next_.live.session.room_name == "newer"


def test_a_session_whose_caller_has_left_leaves_the_queue() -> None:
    """While all workers are full, a session is given up when its caller has left the room."""
    rules = DispatchRules(TIMEOUTS)
    lost = replace(TALKING, phase=Phase.WAITING, holder=None, lost_by="worker-one")
    for tick in range(int((TIMEOUTS.abandoned + 1) / STEP)):
        now = tick * STEP
        (*found,) = rules.decide(now, [lost], [worker(free=0, beat=str(tick))])
        if tick % 4 == 0 and now <= TIMEOUTS.abandoned:
            assert [type(action) for action in found] == [CheckForCaller]
            rules.record_caller(now, lost, found=False)
        elif now <= TIMEOUTS.abandoned:
            assert found == []
    assert isinstance(found[-1], GiveUp)
    assert "nobody is in the room" in found[-1].reason


def test_a_session_whose_caller_waits_stays_in_the_queue() -> None:
    """A queued session with a caller stays, and is dispatched as soon as a worker has capacity."""
    rules = DispatchRules(TIMEOUTS)
    lost = replace(TALKING, phase=Phase.WAITING, holder=None, lost_by="worker-one")
    for tick in range(60):
        for action in rules.decide(tick * STEP, [lost], [worker(free=0, beat=str(tick))]):
            assert isinstance(action, CheckForCaller)
            rules.record_caller(tick * STEP, lost, found=True)
    (action,) = rules.decide(60 * STEP, [lost], [worker(free=1, beat="60")])
    assert isinstance(action, Redispatch)


def test_the_deadline_gives_a_session_up_with_the_reason() -> None:
    """The reason for giving up distinguishes full workers from no workers."""
    for workers, words in (
        (lambda tick: [worker(free=0, beat=str(tick))], "all workers are full (1 worker, 1 calls)"),
        (lambda _tick: [], "no worker is there"),
    ):
        rules, last = DispatchRules(TIMEOUTS), None
        for tick in range(int(TIMEOUTS.deadline / STEP) + 2):
            actions = rules.decide(tick * STEP, [WAITING], workers(tick))
            last = actions[-1] if actions else last
        assert isinstance(last, GiveUp)
        assert words in last.reason


def test_a_silent_worker_has_no_capacity() -> None:
    """The capacity in the row of a worker that has stopped reporting does not count."""
    rules = DispatchRules(replace(TIMEOUTS, deadline=1000))
    dead = worker("dead", free=50)
    for tick in range(40):
        rules.decide(tick * STEP, [], [dead, worker(free=0, beat=str(tick))])
    assert rules.decide(10.25, [WAITING], [dead, worker(free=0, beat="last")]) == []
    assert rules.silent_workers(60) == ["dead", "worker-one"]


def test_the_number_of_dispatches_is_bounded() -> None:
    """A session that has lost its agent twenty times is given up."""
    (action,) = DispatchRules(TIMEOUTS).decide(0, [replace(WAITING, dispatches=20)], [])
    assert isinstance(action, GiveUp)


def test_an_agents_room_without_a_session_is_looked_at() -> None:
    """An agent's room without a session is looked at each time; rooms with other names are left alone."""
    rules = DispatchRules(TIMEOUTS)
    rooms = ["agent-7-room", "lobby"]
    assert rules.unserved_rooms(0, rooms, []) == ["agent-7-room"]
    assert rules.unserved_rooms(1, rooms, []) == ["agent-7-room"]
    served = replace(ASKED, session=new_session(7, 3, "agent-7-room"))
    assert rules.unserved_rooms(100, rooms, [served]) == []


def test_every_room_has_its_look_however_many_there_are() -> None:
    """One look asks about a limited number of rooms; the others come first at the next one."""
    rules = DispatchRules(TIMEOUTS)
    rooms = [f"agent-{number}-room" for number in range(1, MAX_LOOKS * 2 + 1)]
    looks = [set(rules.unserved_rooms(now, rooms, [])) for now in (1, 2)]
    assert [len(look) for look in looks] == [MAX_LOOKS, MAX_LOOKS]
    assert set.union(*looks) == set(rooms)


def test_a_new_room_is_left_to_livekits_dispatch_first() -> None:
    """A room that has had no session is due again when LiveKit's own dispatch has had its time."""
    rules, rooms = DispatchRules(TIMEOUTS), ["agent-7-room"]
    assert rules.unserved_rooms(0, rooms, []) == rooms
    assert rules.is_livekits_turn(0, "agent-7-room")
    assert rules.unserved_rooms(1, rooms, []) == []
    assert rules.unserved_rooms(TIMEOUTS.unserved, rooms, []) == rooms
    assert not rules.is_livekits_turn(TIMEOUTS.unserved, "agent-7-room")


def test_a_dispatch_into_a_room_has_its_time() -> None:
    """After a dispatch into a room the next one waits, each time longer."""
    rules, rooms = DispatchRules(TIMEOUTS), ["agent-7-room"]
    rules.unserved_rooms(0, rooms, [])
    rules.record_room_dispatch(0, "agent-7-room")
    assert rules.unserved_rooms(1, rooms, []) == []
    assert rules.unserved_rooms(TIMEOUTS.unserved, rooms, []) == rooms
    rules.record_room_dispatch(TIMEOUTS.unserved, "agent-7-room")
    assert rules.unserved_rooms(TIMEOUTS.unserved * 2, rooms, []) == []
    assert rules.unserved_rooms(TIMEOUTS.unserved * 3, rooms, []) == rooms
