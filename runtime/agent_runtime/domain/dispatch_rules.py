"""Chooses the actions that give every live session an agent.

Nothing here does I/O. Times are seconds of the supervisor's own clock, which is never set back. A lease
is judged by whether its row changed while we watched, never by comparing the clocks of two machines.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from agent_runtime.domain.fleet import Fleet
from agent_runtime.domain.job import is_agents_room
from agent_runtime.domain.lease import LiveSession, Phase, WorkerState
from agent_runtime.domain.session import SessionStatus

# Dispatches for one session after which it is given up: such a session kills every agent that it gets.
MAX_DISPATCHES: Final = 20
# Seconds between two checks whether the caller of a queued session still waits.
CHECK_CALLER_INTERVAL: Final = 1.0
# Rooms without a session that one look at the rooms asks LiveKit about, so that many of them are no load.
MAX_LOOKS: Final = 50
# Dispatches of one pass while no worker has reported: each is likely in vain, and thousands every five
# seconds would keep database and LiveKit busy.
MAX_BLIND_DISPATCHES: Final = 25
# Seconds without a report after which a worker is marked as lost: it will not come back.
WORKER_LOST_AFTER: Final = 30.0


@dataclass(frozen=True, slots=True)
class DispatchTimeouts:
    """How long the supervisor waits for each step, in seconds."""

    lease: float = 2.0  # without a heartbeat of a talking agent, until its lease expires
    start: float = 20.0  # from the worker's acceptance to the agent in the room
    answer: float = 1.5  # from a dispatch to a worker's acceptance; doubles with every try
    longest: float = 5.0  # most seconds between two tries
    deadline: float = 30.0  # without an agent, until the session is given up
    abandoned: float = 10.0  # the same while no caller is in the room
    # For LiveKit's dispatch into a new room, and for ours into a room whose session is over.
    unserved: float = 4.0


@dataclass(frozen=True, slots=True)
class ExpireLease:
    """The job is dead, or cut off: take the lease from it."""

    live: LiveSession
    why: str


@dataclass(frozen=True, slots=True)
class Redispatch:
    """Ask LiveKit for another agent; with `for_caller` only if a caller is in the room."""

    live: LiveSession
    why: str
    for_caller: bool


@dataclass(frozen=True, slots=True)
class CheckForCaller:
    """No worker has capacity now: find out whether a caller still waits in the room."""

    live: LiveSession


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No agent can be had: end the session as an error."""

    live: LiveSession
    reason: str


Action: TypeAlias = ExpireLease | Redispatch | CheckForCaller | GiveUp


@dataclass
class _Watched:
    """What the rules remember of a session between two passes."""

    beats: int
    changed_at: float
    unserved_since: float | None = None
    # The first and the last check that found no caller in the room. What happened between them is not
    # known.
    empty_since: float | None = None
    empty_at: float = 0.0
    not_before: float = 0.0
    checked_at: float | None = None
    tries: int = 0


@dataclass
class _Unserved:
    """What the rules remember of a room without a session, by the supervisor's clock."""

    since: float
    looked_at: float = 0.0
    not_before: float = 0.0
    dispatches: int = 0


class DispatchRules:
    """Judges all live sessions, pass by pass; one object serves for as long as no pass is missed."""

    def __init__(self, timeouts: DispatchTimeouts) -> None:
        self._timeouts = timeouts
        self._watched: dict[str, _Watched] = {}
        self._rooms: dict[str, _Unserved] = {}
        self._fleet = Fleet()
        self._blind_dispatches = MAX_BLIND_DISPATCHES  # that are left in this pass
        self._last_pass: float | None = None

    def decide(
        self,
        now: float,
        live: Sequence[LiveSession],
        workers: Iterable[WorkerState],
        busy: Container[str] = (),
    ) -> list[Action]:
        """The actions that are due. `live` comes oldest first: that is the order of the queue.

        `busy` has the ids of sessions for which an action is still running.
        """
        if self._last_pass is not None and now - self._last_pass > self._timeouts.lease:
            # This process was suspended, and after that unchanged rows prove nothing.
            self._watched.clear()
            self._fleet = Fleet()
        self._last_pass = now
        self._fleet.observe(now, workers)
        capacity = self._fleet.free_capacity(live)
        for one in live:
            dispatching = one.phase is Phase.WAITING and one.session.session_id in busy
            if (dispatching or one.phase is Phase.ASKED) and capacity is not None:
                capacity -= 1  # its agent has been, or is being, dispatched
        self._blind_dispatches = MAX_BLIND_DISPATCHES
        actions: list[Action] = []
        for one in live:
            watched = self._watch(now, one)
            if one.session.session_id in busy:
                continue
            action = (
                self._with_holder(now, one, watched)
                if one.holder
                else self._without_agent(now, one, watched, capacity)
            )
            if action is None:
                continue
            if (
                isinstance(action, Redispatch)
                and capacity is not None
                and one.phase is not Phase.ASKED
            ):
                capacity -= 1
            actions.append(action)
        ids = {one.session.session_id for one in live}
        self._watched = {key: one for key, one in self._watched.items() if key in ids}
        return actions

    def record_caller(self, now: float, live: LiveSession, *, found: bool) -> None:
        """Record whether a check or a dispatch found a caller in the room."""
        watched = self._watched.get(live.session.session_id)
        if watched is None:
            return
        if found:
            watched.empty_since = None
            return
        if watched.empty_since is None:
            watched.empty_since = now
        watched.empty_at = now
        watched.not_before = now + CHECK_CALLER_INTERVAL

    def unserved_rooms(
        self, now: float, rooms: Iterable[str], live: Iterable[LiveSession]
    ) -> list[str]:
        """Of the `rooms`, those named after an agent that have no session and are to be looked at now.

        At most MAX_LOOKS, those first that have waited longest for a look.
        """
        served = {one.session.room_name for one in live}
        waiting = {room for room in rooms if is_agents_room(room)} - served
        self._rooms = {room: seen for room, seen in self._rooms.items() if room in waiting}
        for room in waiting:
            self._rooms.setdefault(room, _Unserved(now))
        due = [room for room, seen in self._rooms.items() if now >= seen.not_before]
        due.sort(key=lambda room: (self._rooms[room].looked_at, room))
        for room in due[:MAX_LOOKS]:
            self._rooms[room].looked_at = now
        return due[:MAX_LOOKS]

    def is_livekits_turn(self, now: float, room: str) -> bool:
        """Whether LiveKit's own dispatch of a new room still has time; the room is due again afterwards."""
        seen = self._rooms.get(room)
        if seen is None or now >= seen.since + self._timeouts.unserved:
            return False
        seen.not_before = seen.since + self._timeouts.unserved
        return True

    def record_room_dispatch(self, now: float, room: str) -> None:
        """Leave the dispatch of an agent to this room its time, which grows with each dispatch."""
        if (seen := self._rooms.get(room)) is not None:
            pause = self._timeouts.unserved * 2**seen.dispatches
            seen.not_before = now + min(pause, self._timeouts.deadline)
            seen.dispatches += 1

    def silent_workers(self, now: float) -> list[str]:
        """Names of the workers that have not reported for WORKER_LOST_AFTER."""
        return self._fleet.silent(now, WORKER_LOST_AFTER)

    def _watch(self, now: float, one: LiveSession) -> _Watched:
        watched = self._watched.setdefault(one.session.session_id, _Watched(one.beats, now))
        if watched.beats != one.beats:
            watched.beats, watched.changed_at = one.beats, now
        if one.phase is Phase.TALKING:
            watched.unserved_since, watched.empty_since = None, None
            watched.tries, watched.not_before = 0, 0.0
        return watched

    def _with_holder(self, now: float, one: LiveSession, watched: _Watched) -> Action | None:
        talking = one.phase is Phase.TALKING
        timeout = self._timeouts.lease if talking else self._timeouts.start
        if now - watched.changed_at <= timeout or one.holder is None:
            return None
        what = "no heartbeat" if talking else "not in the room"
        return ExpireLease(one, f"{what} for {timeout:g} s from {one.holder.worker}")

    def _without_agent(
        self, now: float, one: LiveSession, watched: _Watched, capacity: int | None
    ) -> Action | None:
        timeouts = self._timeouts
        if watched.unserved_since is None:
            watched.unserved_since = now
        if reason := self._why_hopeless(now, one, watched):
            return GiveUp(one, reason)
        if one.phase is Phase.ASKED and now - watched.changed_at <= timeouts.answer:
            return None
        if now < watched.not_before:
            return None
        if capacity is not None and capacity <= 0 and one.phase is not Phase.ASKED:
            return self._queued(now, one, watched)
        if capacity is None:
            if not self._blind_dispatches:
                return None
            self._blind_dispatches -= 1
        watched.not_before = now + min(timeouts.answer * 2**watched.tries, timeouts.longest)
        watched.tries += 1
        why = "its agent was lost" if one.lost_by else "no worker answered"
        return Redispatch(one, why, one.session.status is SessionStatus.ACTIVE)

    def _why_hopeless(self, now: float, one: LiveSession, watched: _Watched) -> str | None:
        timeouts = self._timeouts
        if watched.unserved_since is not None and now - watched.unserved_since > timeouts.deadline:
            return f"no agent within {timeouts.deadline:g} s: {self._fleet.why_no_agent()}"
        if one.dispatches >= MAX_DISPATCHES:
            return f"{one.dispatches} agents were asked for, and none stayed"
        empty = watched.empty_since
        if empty is not None and watched.empty_at - empty >= timeouts.abandoned:
            return "the agent was lost and nobody is in the room"
        return None

    def _queued(self, now: float, one: LiveSession, watched: _Watched) -> Action | None:
        """A session in the queue stays there for as long as its caller waits."""
        last = watched.checked_at
        is_due = last is None or now - last >= CHECK_CALLER_INTERVAL
        if one.session.status is not SessionStatus.ACTIVE or not is_due:
            return None
        watched.checked_at = now
        return CheckForCaller(one)
