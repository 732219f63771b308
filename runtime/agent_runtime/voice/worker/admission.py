"""Which jobs the worker takes, and which it has."""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from livekit.agents import AgentServer, JobRequest

from agent_runtime.domain.errors import SessionHeld, SessionOver, StoreUnavailable
from agent_runtime.domain.job import JobTarget, NotOurJob, target_of
from agent_runtime.domain.lease import Holder
from agent_runtime.domain.ports.sessions import LeaseStore
from agent_runtime.domain.session import agent_identity, new_session_id
from agent_runtime.voice.jobs.metadata import UNCLAIMED, holder_of
from agent_runtime.voice.machine.pressure import ANY_CPU, Pressure
from agent_runtime.voice.worker.capacity import Capacity

logger = logging.getLogger(__name__)

# Seconds after which a job is not awaited any more that nobody is about to hand out or to start.
ASSIGNMENT = 10.0
# So many jobs that were not awaited any more are known again when they run after all.
MOST_LATE: Final = 100
# Begins the id under which a job that LiveKit did not offer holds its session.
UNOFFERED: Final = "rung-"


@dataclass
class Taken:
    """A job that was accepted: its session, since when, and whether its process was seen.

    While it is `awaited` the agent server is getting it or starting its process, and will say how it went.
    `counted` and `by_promise` say which place it took, for when it is given up.
    """

    session_id: str
    since: float
    seen: bool = False
    awaited: bool = False
    counted: bool = False
    by_promise: bool = False


@dataclass(frozen=True, slots=True)
class Claimed:
    """A session of ours: who holds it, and as whom its agent joins."""

    holder: str
    identity: str
    name: str


class Admission:
    """Answers LiveKit's offers: ours or not, and whether there is a place.

    Without `leases` (console, connect) sessions are claimed by their jobs alone.
    """

    def __init__(
        self,
        server: AgentServer,
        name: str,
        max_calls: int,
        most_cpu: float,
        cpus: int = os.cpu_count() or 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.taken: dict[str, Taken] = {}
        self.handled = 0
        self.leases: LeaseStore | None = None
        self.others_free = False
        self.pressure = Pressure(None, None, 0.0)
        self.starting = False
        self.draining = False
        # LiveKit is out of reach, as `Reach` sees it; an offer that comes shows that it is not.
        self.cut_off = False
        self._server = server
        self._name = name
        self._max_calls = max_calls
        self._capacity = Capacity(most_cpu, cpus)
        self._clock = clock
        # The last look took away the places that were told of: until the next, one is kept.
        self._promised = False
        self._left_to_others: set[str] = set()
        self._late: dict[str, Taken] = {}

    @property
    def why_not(self) -> str | None:
        """Why no further call is taken now; None when one is, or was promised."""
        return self._closed or (None if self._promised else self._busy)

    @property
    def free(self) -> int:
        """How many calls would be taken now, for those who have been promised none yet."""
        if self._closed or self._busy or self.cut_off:
            return 0
        places = self._max_calls - len(self.taken)
        return places if self._capacity.room is None else min(places, self._capacity.room)

    @property
    def _closed(self) -> str | None:
        """Why no call is taken, whatever the calls here take of the CPUs."""
        if self.draining:
            return "the worker is shutting down"
        if self.starting:
            return "the worker is starting"
        if len(self.taken) >= self._max_calls:
            return f"{self._max_calls} calls already"
        return self.pressure.why_not(ANY_CPU)

    @property
    def _busy(self) -> str | None:
        """Why the calls here would suffer from another."""
        # Who has no call hurts nobody by taking one.
        is_bound = self.taken and not self._capacity.in_burst
        if is_bound and (why := self.pressure.why_not(self._capacity.most_at_once)):
            return why
        return (
            "no further call would fit by what its calls take" if self._capacity.room == 0 else None
        )

    def look(self, pressure: Pressure) -> None:
        """Note what the machine says now, every second or so."""
        told = self.free
        self.pressure = pressure
        if self.starting:
            return  # what the start itself makes of pressure would be taken for something else's
        since = {job: one.since for job, one in self.taken.items()}
        self._capacity.look(pressure.cpu, since, self._clock())
        # Creates are answered by the places that were told, and the session comes a moment later.
        self._promised = told > 0 and self.free == 0

    async def answer(self, request: JobRequest) -> None:
        """Take the job under the identity of its session, or refuse it with a reason in the log."""
        where = {"room": request.room.name, "job": request.id}
        try:
            target = target_of(request.job.metadata, request.room.name)
        except NotOurJob as error:
            logger.info("job refused: %s", error, extra=where)
            await request.reject(terminate=True)
            return
        if why := self.why_not:
            # Of a session that was rung for, and is here, nobody has to know.
            level = logging.DEBUG if self._has(target.session_id) else logging.WARNING
            logger.log(level, "job refused: %s", why, extra=where)
            await request.reject(terminate=False)  # another worker may have a place
            await self._let_it_wait(target)
            return
        session_id = target.session_id or new_session_id()
        # Taken before it is accepted: offers come at the same time.
        self._take(request.id, session_id)
        identity: str | None = agent_identity(session_id)
        attributes: dict[str, str] = {}
        if target.session_id is not None:
            try:
                identity = await self._claim(request, target.session_id, target.dispatch)
            except StoreUnavailable as error:
                # The database may be back when the job starts: it claims the session itself.
                logger.warning("session not claimed yet: %s", error, extra=where)
                identity = agent_identity(session_id, target.dispatch or 1)
                attributes[UNCLAIMED] = "true"
        if identity is None:
            self._give_up(request.id)
            return
        self._keep(request.id, session_id)
        with self._awaited(request.id):
            await request.accept(
                identity=identity, name=_name_of(target), attributes=attributes or None
            )

    async def claim_unoffered(self, room_name: str, metadata: str) -> Claimed | None:
        """Claim a session that LiveKit has not offered yet; None leaves it to that offer."""
        try:
            target = target_of(metadata, room_name)
        except NotOurJob:
            return None
        session_id = target.session_id
        if self.leases is None or session_id is None or self.why_not or self.cut_off:
            return None
        holder = f"{UNOFFERED}{secrets.token_hex(8)}"
        # Taken before it is claimed: offers come meanwhile.
        self._take(holder, session_id)
        dispatches = None
        try:
            if not (self.others_free and await self._was_lost_here(session_id)):
                asking = Holder(holder, self._name, target.dispatch)
                dispatches = await self.leases.claim(session_id, asking)
        except (SessionHeld, SessionOver, StoreUnavailable) as error:
            logger.debug("session not taken: %s", error, extra={"session": session_id})
        if dispatches is not None and self.draining:
            # The signal came meanwhile, and no process of ours would be started any more.
            await self._give_back(session_id, holder)
            dispatches = None
        if dispatches is None:
            self._give_up(holder)
            return None
        self._keep(holder, session_id)
        return Claimed(holder, agent_identity(session_id, dispatches), _name_of(target))

    @contextmanager
    def launching(self, claimed: Claimed) -> Iterator[None]:
        """While its job is launched; when that fails, the next look finds that it has vanished."""
        with self._awaited(claimed.holder) as taken:
            try:
                yield
            except BaseException:
                taken.seen = True
                raise

    @property
    def manners(self) -> float:
        """How much it should let other workers go first: 0, not at all, to 1."""
        return len(self.taken) / self._max_calls if self.others_free else 0.0

    def load(self, _server: AgentServer) -> float:
        """Share of the places that are taken, as LiveKit compares workers by it.

        It stays below LiveKit's `agents.target_load` (0.7): beyond that the server would skip this
        worker without asking, and forget the job when there is no other.
        """
        return min(0.65, 0.65 * len(self.taken) / self._max_calls)

    def vanished(self) -> list[tuple[str, Taken]]:
        """Jobs that were here and are no more, or that never came; they are forgotten."""
        if not self.taken and not self._late:
            return []  # and a server that has not started yet cannot be asked
        running = {holder_of(info.job) for info in self._server.active_jobs}
        now = self._clock()
        for job in running & self._late.keys():
            # It has come after all, and counts like any other.
            self.taken[job] = self._late.pop(job)
        gone = []
        for job, taken in list(self.taken.items()):
            taken.seen = taken.seen or job in running
            is_late = not taken.awaited and now - taken.since > ASSIGNMENT
            if job not in running and (taken.seen or is_late):
                gone.append((job, self.taken.pop(job)))
                if not taken.seen:
                    self._late[job] = taken
        while len(self._late) > MOST_LATE:
            del self._late[next(iter(self._late))]
        return gone

    @contextmanager
    def _awaited(self, job: str) -> Iterator[Taken]:
        taken = self.taken[job]
        taken.awaited = True
        try:
            yield taken
        finally:
            taken.awaited = False

    def _has(self, session_id: str | None) -> bool:
        return any(one.session_id == session_id for one in self.taken.values())

    def _take(self, job: str, session_id: str) -> None:
        counted, by_promise = self._capacity.take(), self._promised
        self.taken[job] = Taken(session_id, self._clock(), counted=counted, by_promise=by_promise)
        self._promised = False

    def _give_up(self, job: str) -> None:
        """It is another's, as most offers are: their sessions were rung for, and taken before."""
        taken = self.taken.pop(job, None) or self._late.pop(job, None)
        if taken is None:
            return
        if taken.counted:
            self._capacity.give_back()
        self._promised = self._promised or taken.by_promise

    def _keep(self, job: str, session_id: str) -> None:
        """It is claimed, and counts from now on; after a long claim it may be taken for vanished."""
        self._drop(job)
        self.taken[job] = Taken(session_id, self._clock())
        self.handled += 1

    def _drop(self, job: str) -> None:
        self.taken.pop(job, None)
        self._late.pop(job, None)

    async def _claim(self, request: JobRequest, session_id: str, dispatch: int) -> str | None:
        """Take the session's lease; the agent's identity, or None when the job is refused.

        Raises StoreUnavailable.
        """
        if self.leases is None:
            return agent_identity(session_id)
        where = {"room": request.room.name, "job": request.id, "session": session_id}
        holder = Holder(request.id, self._name, dispatch)
        try:
            if self.others_free and await self._lost_here(session_id):
                logger.info("job refused: its agent was lost here, elsewhere first", extra=where)
                await request.reject(terminate=False)
                return None
            dispatches = await self.leases.claim(session_id, holder)
        except (SessionHeld, SessionOver) as error:
            # Held is what a session is that was taken before LiveKit offered it.
            level = logging.DEBUG if isinstance(error, SessionHeld) else logging.INFO
            logger.log(level, "job refused: %s", error, extra=where)
            await request.reject(terminate=True)
            return None
        return agent_identity(session_id, dispatches)

    async def _lost_here(self, session_id: str) -> bool:
        """Whether this worker had the session last; once, then it takes it all the same."""
        if session_id in self._left_to_others:
            return False
        if not await self._was_lost_here(session_id):
            return False
        self._left_to_others.add(session_id)
        return True

    async def _was_lost_here(self, session_id: str) -> bool:
        return self.leases is not None and await self.leases.lost_by(session_id) == self._name

    async def _give_back(self, session_id: str, holder: str) -> None:
        if self.leases is None:
            return
        try:
            await self.leases.release(
                session_id, Holder(holder, self._name), "its worker is shutting down"
            )
        except StoreUnavailable as error:
            logger.warning("session not given back: %s", error)

    async def _let_it_wait(self, target: JobTarget) -> None:
        """Tell whoever watches that this dispatch brings nothing."""
        if self.leases is None or target.session_id is None:
            return
        try:
            await self.leases.mark_refused(target.session_id)
        except StoreUnavailable as error:
            logger.warning("refusal not written: %s", error)


def _name_of(target: JobTarget) -> str:
    return f"agent {target.agent_id}"
