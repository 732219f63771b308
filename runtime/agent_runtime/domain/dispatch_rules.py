"""Sees to it that every live session has its agent: what is to be done, from what was seen.

Nothing here touches the outside. Time is a clock of the watcher's own (seconds, never set back), and a
lease is judged by whether it changed while we looked, never by comparing two machines' clocks.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from agent_runtime.domain.fleet import Fleet
from agent_runtime.domain.job import ROOM_PATTERN
from agent_runtime.domain.lease import LiveSession, Phase, WorkerState
from agent_runtime.domain.session import SessionStatus

# An agent that was asked for this often and is needed again is one that dies of its session.
MOST_DISPATCHES: Final = 20
SEEK_EVERY: Final = 1.0  # seconds between two looks for whoever waits in a queue
GONE: Final = 30.0  # seconds of silence after which a worker will not come back


@dataclass(frozen=True, slots=True)
class DispatchTimeouts:
    """How patient the watcher is, in seconds."""

    lease: float = 2.0  # a talking agent without a heartbeat
    start: float = 20.0  # from the worker's yes to the agent in the room
    answer: float = 1.5  # from a dispatch to a worker's yes; doubles with every try
    longest: float = 5.0  # between two tries
    deadline: float = 30.0  # without an agent, until the session is given up
    abandoned: float = 10.0  # the same when nobody waits in the room any more
    unserved: float = 4.0  # a caller in a room that nobody has created a session for


@dataclass(frozen=True, slots=True)
class ExpireLease:
    """The job is dead or deaf: take the session from it."""

    live: LiveSession
    why: str


@dataclass(frozen=True, slots=True)
class Redispatch:
    """Ask LiveKit for an agent; with `for_caller` only if somebody waits in the room."""

    live: LiveSession
    why: str
    for_caller: bool


@dataclass(frozen=True, slots=True)
class CheckForCaller:
    """There is no place for an agent now: see whether anybody waits for one."""

    live: LiveSession


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No agent can be had: end the session as an error."""

    live: LiveSession
    reason: str


Action: TypeAlias = ExpireLease | Redispatch | CheckForCaller | GiveUp


@dataclass
class _Seen:
    """What the watcher remembers of a session."""

    beats: int
    changed_at: float
    needy_since: float | None = None
    # The first and the last look at the room that found nobody; what came between is not known for sure.
    nobody_since: float | None = None
    nobody_at: float = 0.0
    not_before: float = 0.0
    sought_at: float | None = None
    tries: int = 0


class DispatchRules:
    """Looks at all live sessions again and again; one for as long as nothing is missed."""

    def __init__(self, terms: DispatchTimeouts) -> None:
        self._terms = terms
        self._seen: dict[str, _Seen] = {}
        self._rooms: dict[str, tuple[float, int]] = {}
        self._fleet = Fleet()
        self._looked_at: float | None = None

    def look(
        self,
        now: float,
        live: Sequence[LiveSession],
        workers: Iterable[WorkerState],
        busy: Container[str] = (),
    ) -> list[Action]:
        """What is to be done. `live` comes oldest first: that is the queue's order.

        `busy` are the ids of sessions for which something is being done already.
        """
        if self._looked_at is not None and now - self._looked_at > self._terms.lease:
            # We were asleep: what did not change may have had no chance to.
            self._seen.clear()
            self._fleet = Fleet()
        self._looked_at = now
        self._fleet.see(now, workers)
        places = self._fleet.free(live)
        for one in live:
            waits = one.phase is Phase.WAITING and one.session.session_id in busy
            if (waits or one.phase is Phase.ASKED) and places is not None:
                places -= 1  # an agent was asked for, or is being asked for
        found: list[Action] = []
        for one in live:
            seen = self._remember(now, one)
            if one.session.session_id in busy:
                continue
            action = (
                self._held(now, one, seen) if one.holder else self._needy(now, one, seen, places)
            )
            if action is None:
                continue
            if (
                isinstance(action, Redispatch)
                and places is not None
                and one.phase is not Phase.ASKED
            ):
                places -= 1
            found.append(action)
        alive = {one.session.session_id for one in live}
        self._seen = {key: seen for key, seen in self._seen.items() if key in alive}
        return found

    def waits(self, now: float, live: LiveSession, *, somebody: bool) -> None:
        """Whether an `Redispatch` for a caller, or a `CheckForCaller`, found one in the room."""
        seen = self._seen.get(live.session.session_id)
        if seen is None:
            return
        if somebody:
            seen.nobody_since = None
            return
        if seen.nobody_since is None:
            seen.nobody_since = now
        seen.nobody_at = now
        seen.not_before = now + 1.0

    def unserved(self, now: float, rooms: Iterable[str], live: Iterable[LiveSession]) -> list[str]:
        """Rooms named after an agent that somebody is in, and that no session is for."""
        served = {one.session.room_name for one in live}
        waiting = {r for r in rooms if ROOM_PATTERN.fullmatch(r)} - served
        self._rooms = {room: seen for room, seen in self._rooms.items() if room in waiting}
        found = []
        for room in sorted(waiting):
            ask_at, tries = self._rooms.get(room, (now + self._terms.unserved, 0))
            if now >= ask_at:
                found.append(room)
                tries += 1
                ask_at = now + min(self._terms.unserved * 2**tries, self._terms.deadline)
            self._rooms[room] = ask_at, tries
        return found

    def silent_workers(self, now: float) -> list[str]:
        """Workers that have said nothing for so long that they are gone."""
        return self._fleet.silent(now, GONE)

    def _remember(self, now: float, one: LiveSession) -> _Seen:
        seen = self._seen.setdefault(one.session.session_id, _Seen(one.beats, now))
        if seen.beats != one.beats:
            seen.beats, seen.changed_at = one.beats, now
        if one.phase is Phase.TALKING:
            seen.needy_since, seen.nobody_since, seen.tries, seen.not_before = None, None, 0, 0.0
        return seen

    def _held(self, now: float, one: LiveSession, seen: _Seen) -> Action | None:
        talking = one.phase is Phase.TALKING
        patience = self._terms.lease if talking else self._terms.start
        if now - seen.changed_at <= patience or one.holder is None:
            return None
        what = "no heartbeat" if talking else "not in the room"
        return ExpireLease(one, f"{what} for {patience:g} s from {one.holder.worker}")

    def _needy(
        self, now: float, one: LiveSession, seen: _Seen, places: int | None
    ) -> Action | None:
        terms = self._terms
        if seen.needy_since is None:
            seen.needy_since = now
        waited = now - seen.needy_since
        if waited > terms.deadline:
            return GiveUp(one, f"no agent within {terms.deadline:g} s: {self._fleet.told}")
        if one.dispatches >= MOST_DISPATCHES:
            return GiveUp(one, f"{one.dispatches} agents were asked for, and none stayed")
        if seen.nobody_since is not None and seen.nobody_at - seen.nobody_since >= terms.abandoned:
            return GiveUp(one, "the agent was lost and nobody is in the room")
        if one.phase is Phase.ASKED and now - seen.changed_at <= terms.answer:
            return None
        if now < seen.not_before:
            return None
        if places is not None and places <= 0 and one.phase is not Phase.ASKED:
            # It waits in the queue, for as long as somebody waits with it.
            was_long_ago = seen.sought_at is None or now - seen.sought_at >= SEEK_EVERY
            if one.session.status is not SessionStatus.ACTIVE or not was_long_ago:
                return None
            seen.sought_at = now
            return CheckForCaller(one)
        seen.not_before = now + min(terms.answer * 2**seen.tries, terms.longest)
        seen.tries += 1
        why = "its agent was lost" if one.lost_by else "no worker answered"
        return Redispatch(one, why, one.session.status is SessionStatus.ACTIVE)
