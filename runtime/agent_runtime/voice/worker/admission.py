"""Decides which jobs the worker accepts."""

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

from agent_runtime.domain.agents.text_ids import with_number
from agent_runtime.domain.errors import AgentUnknown, SessionHeld, SessionOver, StoreUnavailable
from agent_runtime.domain.job import UNNUMBERED, JobTarget, NotOurJob, target_of
from agent_runtime.domain.ports.agents import TextIdRegistry
from agent_runtime.domain.session import agent_identity, new_session_id
from agent_runtime.voice.jobs.metadata import UNCLAIMED
from agent_runtime.voice.machine.pressure import NO_CPU_LIMIT, Pressure
from agent_runtime.voice.worker.accepted_jobs import AcceptedJob, AcceptedJobs
from agent_runtime.voice.worker.capacity import Capacity
from agent_runtime.voice.worker.session_claims import SessionClaims

logger = logging.getLogger(__name__)

# Prefix of the id under which a job of direct dispatch holds its session; LiveKit's ids begin with "AJ_".
DIRECT_JOB_PREFIX: Final = "direct-"
# The load that a full worker reports to LiveKit. It stays below LiveKit's `agents.target_load` (0.7): from
# there on LiveKit skips a worker without asking, and forgets the job when there is no other.
FULL_LOAD: Final = 0.65


@dataclass(frozen=True, slots=True)
class ClaimedSession:
    """A session claimed for a direct dispatch: the id of its job, and the agent's identity and name."""

    holder: str
    identity: str
    name: str


class Admission:
    """Accepts or refuses jobs for the worker `name`, up to `max_calls` at a time.

    `max_cpu` is the mean CPU pressure, in percent, above which no call is accepted; 100 sets no limit.
    `clock` returns seconds.
    """

    def __init__(
        self,
        server: AgentServer,
        name: str,
        max_calls: int,
        max_cpu: float,
        cpus: int = os.cpu_count() or 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.jobs = AcceptedJobs(server, clock)
        self.claims = SessionClaims(name)
        self.handled = 0  # jobs accepted since the start
        self.pressure = Pressure(None, None, 0.0)
        self.starting = False
        self.draining = False
        # As `Connectivity` sees it. While False only claims stop: an offer proves that LiveKit is there.
        self.livekit_reachable = True
        # None for `console` and `connect`, whose jobs look up text ids themselves.
        self.text_ids: TextIdRegistry | None = None
        self._max_calls = max_calls
        self._capacity = Capacity(max_cpu, cpus)
        self._clock = clock
        # The last reading of the machine withdrew the free calls that were reported. Until the next reading
        # one call is accepted all the same.
        self._promised = False

    @property
    def refusal_reason(self) -> str | None:
        """Why no further call is accepted now; None when one is, or was promised."""
        return self._closed_because or (None if self._promised else self._busy_because)

    @property
    def free_calls(self) -> int:
        """The number of calls that would be accepted now, apart from one that was promised."""
        if self._closed_because or self._busy_because or not self.livekit_reachable:
            return 0
        free, fitting = self._max_calls - len(self.jobs), self._capacity.free_calls
        return free if fitting is None else min(free, fitting)

    @property
    def _closed_because(self) -> str | None:
        """Why no call is accepted, whatever CPU the present calls use."""
        if self.draining:
            return "the worker is shutting down"
        if self.starting:
            return "the worker is starting"
        if len(self.jobs) >= self._max_calls:
            return f"{self._max_calls} calls already"
        return self.pressure.refusal_reason(NO_CPU_LIMIT)

    @property
    def _busy_because(self) -> str | None:
        """Why the present calls would suffer from another one."""
        # A worker without calls hurts nobody by accepting one.
        may_hurt = len(self.jobs) > 0 and not self._capacity.in_burst
        if may_hurt and (reason := self.pressure.refusal_reason(self._capacity.max_pressure_now)):
            return reason
        is_full = self._capacity.free_calls == 0
        return "another call would exceed the limit of CPU pressure" if is_full else None

    @property
    def head_start(self) -> float:
        """How much of a head start to give other workers: 0, none, to 1, the longest."""
        return len(self.jobs) / self._max_calls if self.claims.others_free else 0.0

    def load(self, _server: AgentServer) -> float:
        """Return the load by which LiveKit compares workers: the share of `max_calls` in use, scaled."""
        return min(FULL_LOAD, FULL_LOAD * len(self.jobs) / self._max_calls)

    def update(self, pressure: Pressure) -> None:
        """Take in a reading of the machine; called about every second."""
        reported = self.free_calls
        self.pressure = pressure
        if self.starting:
            return  # the pressure of the start itself would be attributed to other work on the machine
        self._capacity.observe(pressure.cpu, self.jobs.started(), self._clock())
        # The API answers creates by the free calls reported before; the session follows a moment later.
        self._promised = reported > 0 and self.free_calls == 0

    async def answer(self, request: JobRequest) -> None:
        """Accept an offered job under its session's identity, or refuse it with a reason in the log."""
        fields = {"room": request.room.name, "job": request.id}
        try:
            target = await self._numbered(target_of(request.job.metadata, request.room.name))
        except (NotOurJob, AgentUnknown) as error:
            logger.info("job refused: %s", error, extra=fields)
            await request.reject(terminate=True)
            return
        if reason := self.refusal_reason:
            # Expected after a direct dispatch: log at DEBUG only.
            is_here = self.jobs.has_session(target.session_id)
            level = logging.DEBUG if is_here else logging.WARNING
            logger.log(level, "job refused: %s", reason, extra=fields)
            await request.reject(terminate=False)  # another worker may be free
            await self.claims.mark_refused(target.session_id)
            return
        session_id = target.session_id or new_session_id()
        # Counted before it is accepted, because offers arrive concurrently.
        self._count(request.id, session_id)
        identity: str | None = agent_identity(session_id)
        attributes: dict[str, str] = {}
        if target.session_id is not None:
            try:
                identity = await self._claim(request, target.session_id, target.dispatch)
            except StoreUnavailable as error:
                # The database may be back when the job starts: the job claims the session itself.
                logger.warning("session not claimed yet: %s", error, extra=fields)
                identity = agent_identity(session_id, target.dispatch or 1)
                attributes[UNCLAIMED] = "true"
        if identity is None:
            self._uncount(request.id)
            return
        self._keep(request.id, session_id)
        with self.jobs.awaiting(request.id):
            await request.accept(
                identity=identity, name=_agent_name(target), attributes=attributes or None
            )

    async def claim_directly(self, room_name: str, metadata: str) -> ClaimedSession | None:
        """Claim a session that LiveKit has not offered yet; None leaves the session to that offer."""
        try:
            target = target_of(metadata, room_name)
        except NotOurJob:
            return None
        session_id = target.session_id
        if self.claims.leases is None or session_id is None or target.agent_id == UNNUMBERED:
            return None
        if self.refusal_reason or not self.livekit_reachable:
            return None
        holder = f"{DIRECT_JOB_PREFIX}{secrets.token_hex(8)}"
        # Counted before it is claimed, because offers arrive meanwhile.
        self._count(holder, session_id)
        identity = None
        try:
            if not await self.claims.should_leave(session_id):
                identity = await self.claims.claim(session_id, holder, target.dispatch)
        except (SessionHeld, SessionOver, StoreUnavailable) as error:
            logger.debug("session not claimed: %s", error, extra={"session": session_id})
        if identity is not None and self.draining:
            # The signal arrived during the claim; a server that drains starts no process any more.
            await self.claims.release(session_id, holder)
            identity = None
        if identity is None:
            self._uncount(holder)
            return None
        self._keep(holder, session_id)
        return ClaimedSession(holder, identity, _agent_name(target))

    @contextmanager
    def launching(self, claimed: ClaimedSession) -> Iterator[None]:
        """Enclose the launch of a claimed session's job.

        When the launch fails, the job counts as vanished at the next check.
        """
        with self.jobs.awaiting(claimed.holder) as job:
            try:
                yield
            except BaseException:
                job.seen = True
                raise

    def remove_vanished(self) -> list[tuple[str, AcceptedJob]]:
        """Remove and return the jobs whose process has ended, or never started in time."""
        return self.jobs.remove_vanished()

    async def _numbered(self, target: JobTarget) -> JobTarget:
        """The target with its agent's number. Raises AgentUnknown when its text id is nobody's."""
        if self.text_ids is None:
            return target
        try:
            return await with_number(target, self.text_ids)
        except StoreUnavailable:
            return target  # the database may be back when the job starts, which looks it up again

    async def _claim(self, request: JobRequest, session_id: str, dispatch: int) -> str | None:
        """Claim the session of an offered job; the agent's identity, or None when the job is refused.

        Raises StoreUnavailable.
        """
        fields = {"room": request.room.name, "job": request.id, "session": session_id}
        try:
            if await self.claims.should_leave_once(session_id):
                logger.info(
                    "job refused: its agent was lost here, left to another worker once",
                    extra=fields,
                )
                await request.reject(terminate=False)
                return None
            return await self.claims.claim(session_id, request.id, dispatch)
        except (SessionHeld, SessionOver) as error:
            # A session that a direct dispatch claimed before LiveKit's offer is held: nothing to note.
            level = logging.DEBUG if isinstance(error, SessionHeld) else logging.INFO
            logger.log(level, "job refused: %s", error, extra=fields)
            await request.reject(terminate=True)
            return None

    def _count(self, job: str, session_id: str) -> None:
        """Count a job before its session is claimed."""
        counted, by_promise = self._capacity.take(), self._promised
        self.jobs.add(job, session_id, counted=counted, by_promise=by_promise)
        self._promised = False

    def _uncount(self, job: str) -> None:
        """Give back what the job used: most offers are for sessions claimed by a direct dispatch before."""
        accepted = self.jobs.discard(job)
        if accepted is None:
            return
        if accepted.counted:
            self._capacity.give_back()
        self._promised = self._promised or accepted.by_promise

    def _keep(self, job: str, session_id: str) -> None:
        """Count a job whose session is claimed; during a long claim it may have timed out."""
        self.jobs.add(job, session_id)
        self.handled += 1


def _agent_name(target: JobTarget) -> str:
    return f"agent {target.text_id or target.agent_id}"
