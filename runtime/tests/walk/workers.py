"""Workers and jobs: the real admission and lease keeper, and around them what a call does with its row."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING

from agent_runtime.domain.errors import (
    AgentAtCapacity,
    RoomTaken,
    SessionHeld,
    SessionNotFound,
    SessionOver,
    StoreUnavailable,
)
from agent_runtime.domain.job import AUTOMATIC, target_of
from agent_runtime.domain.lease import Holder, WorkerState
from agent_runtime.domain.session import Session, SessionStatus, session_of
from agent_runtime.voice.call.lease_keeper import LeaseKeeper
from agent_runtime.voice.worker.admission import Admission

from .livekit import Dispatch, Room
from .processes import Process

if TYPE_CHECKING:
    from agent_runtime.storage import StoredLeases

    from .world import World

PLACES = 8  # calls of one worker
MOST_SESSIONS = 1_000_000  # of one agent
HEARTBEAT = 0.5
LEAVE_GRACE = 1.0
WAIT_FOR_CALLER = 60.0
LOOK_EVERY = 0.25
FINISH_TRIES = 5
WELL = 4.0  # seconds: a lease, a heartbeat, the way
DROPS_WITHIN = 5.0  # LiveKit notices that a dead job's connection is gone


class Worker(Process):
    """Takes jobs, tells of itself, gives back what its dead jobs held."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name)
        self.world = world
        self.jobs: dict[str, Job] = {}
        self._leases = self.with_line(world.stores.leases)
        self._workers = self.with_line(world.stores.workers)
        self._admission = Admission(self, name, PLACES, 100)  # type: ignore[arg-type]
        self._admission.leases = _Noted(world, self._leases)  # type: ignore[assignment]
        self._line_broken = asyncio.Event()
        self.start(self._give_back())
        self.start(self._tell())

    @property
    def active_jobs(self) -> list[SimpleNamespace]:
        """As the agent server lists its job processes."""
        jobs = [SimpleNamespace(id=key, dispatch_id="AD_1") for key in self.jobs]
        return [SimpleNamespace(job=job) for job in jobs]

    async def offer(self, job_id: str, dispatch: Dispatch, room: str) -> bool | None:
        """True when taken, False when nobody shall have it, None when another may."""
        self.world.dispatches[job_id] = dispatch.number
        await self.step()
        answer: bool | None = None
        waits = True

        async def accept(
            *, identity: str, name: str, attributes: Mapping[str, str] | None = None
        ) -> None:
            nonlocal answer
            del name
            answer = True
            if waits and not self.dead and not dispatch.deleted:
                job = self.jobs[job_id] = Job(self, job_id, identity, dispatch, room)
                job.is_claimed = not attributes
                dispatch.jobs.append(job)
                job.start(job.live())

        async def reject(*, terminate: bool) -> None:
            nonlocal answer
            answer = False if terminate else None

        request = SimpleNamespace(
            id=job_id,
            room=SimpleNamespace(name=room),
            job=SimpleNamespace(metadata=dispatch.metadata),
            accept=accept,
            reject=reject,
        )
        answering = self.start(self._admission.answer(request))  # type: ignore[arg-type]
        broken = asyncio.ensure_future(self._line_broken.wait())
        try:
            await asyncio.wait([answering, broken], return_when=asyncio.FIRST_COMPLETED)
        finally:
            broken.cancel()
            waits = False  # a yes comes too late now
        return answer

    async def hear(self, room: str, metadata: str) -> None:
        """An API has rung: no offer is waited for, and LiveKit knows of no job."""
        await self.step()
        claimed = await self._admission.claim_unoffered(room, metadata)
        if claimed is None:
            return
        await self.step(0.2)
        key = claimed.holder
        dispatch = Dispatch(key, metadata)
        job = self.jobs[key] = Job(self, key, claimed.identity, dispatch, room)
        job.is_claimed = True
        job.start(job.live())

    def lose_line(self) -> None:
        """To LiveKit: what it was asked there is asked of another; the next line is up at once."""
        self._line_broken.set()
        self._line_broken = asyncio.Event()

    def kill(self) -> None:
        """With all its jobs."""
        super().kill()
        for job in list(self.jobs.values()):
            job.kill()

    async def _give_back(self) -> None:
        unreleased: dict[str, str] = {}
        while True:
            await asyncio.sleep(0.2)
            unreleased |= {job: taken.session_id for job, taken in self._admission.vanished()}
            try:
                for job, session_id in list(unreleased.items()):
                    await self._leases.release(
                        session_id, Holder(job, self.name), "its process died"
                    )
                    del unreleased[job]
            except StoreUnavailable:
                continue

    async def _tell(self) -> None:
        while True:
            taken, free = len(self._admission.taken), self._admission.free
            instance = WorkerState(self.name, "", "running", taken, free, self._admission.handled)
            try:
                await self._workers.report(instance, self.clock.wall())
                others = [one for one in await self._workers.all() if one.name != self.name]
                self._admission.others_free = any(one.free for one in others)
            except StoreUnavailable:
                pass
            await asyncio.sleep(1.0)


class _Noted:
    """The leases of a worker; which dispatch a job is of is noted before it claims its session."""

    def __init__(self, world: World, leases: StoredLeases) -> None:
        self._world = world
        self._leases = leases
        self.lost_by = leases.lost_by
        self.mark_refused = leases.mark_refused

    async def claim(self, session_id: str, holder: Holder) -> int:
        """Of the port LeaseStore."""
        self._world.dispatches.setdefault(holder.job, holder.dispatch or 1)
        return await self._leases.claim(session_id, holder)


class Job(Process):
    """One agent in one room, with the steps of a real call and no voice."""

    def __init__(
        self, worker: Worker, job_id: str, identity: str, dispatch: Dispatch, room: str
    ) -> None:
        super().__init__(worker.world, job_id)
        self.identity = identity
        self.room_name = room
        self.talks = False
        self.is_claimed = False  # by the worker: it joins before it has prepared anything
        self.room: Room | None = None
        self._worker = worker
        self._world = worker.world
        self._target = target_of(dispatch.metadata, room)
        self.session_id = self._target.session_id or session_of(identity)
        self._automatic = self._target.session_id is None or bool(
            self._target.variables.get(AUTOMATIC)
        )
        self._holder = Holder(job_id, worker.name, self._target.dispatch)
        self._sessions = self.with_line(self._world.stores.sessions)
        self._leases = self.with_line(self._world.stores.leases)
        self._outcome: tuple[SessionStatus, str] | None = None
        self._handed_back: str | None = None
        self._over = asyncio.Event()

    @property
    def is_heard(self) -> bool:
        """Whether people in the room hear this agent."""
        return self.talks and not self.dead and self.room is not None and self.running.is_set()

    def is_well(self, now: float) -> bool:
        """Whether nothing has been wrong with it for so long that nobody may think so."""
        return self.is_heard and not self.is_cut and now - self.touched_at > WELL

    async def live(self) -> None:
        """From the first step to the final row."""
        try:
            await self._begin()
        except (SessionHeld, StoreUnavailable) as error:
            self._hand_back(str(error))
        except (SessionOver, RoomTaken, SessionNotFound, AgentAtCapacity) as error:
            self._leave(SessionStatus.ERROR, str(error))
        else:
            self.talks = not self._over.is_set()
            self.touched_at = self._world.loop.time()
            self._world.heard()
            while_it_lasts = [self.start(self._keeper().run()), self.start(self._listen())]
            await self._over.wait()
            for task in while_it_lasts:
                task.cancel()
        self.talks = False
        await self._close()
        if self.room is not None:
            self._world.livekit.leave_job(self.room, self)
        self._worker.jobs.pop(self.name, None)

    def kill(self) -> None:
        """The connection breaks; LiveKit notices a little later."""
        super().kill()
        self._worker.jobs.pop(self.name, None)
        room = self.room
        if room is not None:
            after = self._world.chance.uniform(0, DROPS_WITHIN)
            self._world.later(after, lambda: self._world.livekit.leave_job(room, self))

    def disconnected(self, why: str) -> None:
        """LiveKit has sent us out."""
        self.room = None
        if why == "duplicate_identity":
            self._hand_back(why)
        else:
            self._leave(SessionStatus.ENDED, f"left the room: {why}")

    def terminate(self) -> None:
        """LiveKit has ended the job."""
        self._leave(SessionStatus.ENDED, "the worker was shut down")

    async def _begin(self) -> None:
        await self.step(0.2)
        if self.is_claimed and self._target.session_id is not None:
            self.room = self._world.livekit.enter_job(self.room_name, self)
        if self._target.session_id is None:
            session = Session(
                session_id=self.session_id,
                agent_id=self._target.agent_id,
                tenant_id=3,
                room_name=self.room_name,
                status=SessionStatus.CONNECTING,
                started_at=self.clock.wall(),
            )
            await self._sessions.create_automatic(session, MOST_SESSIONS)
            await self._leases.claim(self.session_id, self._holder)
            self._world.created(self.session_id, self.room_name)
        await self.step(0.6)
        if self.room is None and not self._over.is_set():
            self.room = self._world.livekit.enter_job(self.room_name, self)
        await self._sessions.activate(self.session_id, self._holder)

    def _keeper(self) -> LeaseKeeper:
        return LeaseKeeper(
            self._sessions,
            self.session_id,
            self._holder,
            interval=HEARTBEAT,
            is_heard=lambda: self.room is not None,
            on_over=lambda: self._leave(SessionStatus.ENDED, "ended elsewhere"),
            on_lost=self._hand_back,
        )

    async def _listen(self) -> None:
        """Leave when the caller has, or when none comes."""
        alone, patience = 0.0, WAIT_FOR_CALLER
        while True:
            await asyncio.sleep(LOOK_EVERY)
            await self.running.wait()
            if self.room is None:
                return
            if self.room.callers:
                alone, patience = 0.0, LEAVE_GRACE
                continue
            alone += LOOK_EVERY
            if alone > patience:
                came = patience == LEAVE_GRACE
                if came and self._automatic:
                    self._world.livekit.delete(self.room_name)
                self._leave(SessionStatus.ENDED, "the caller left" if came else "no caller came")
                return

    async def _close(self) -> None:
        if self._handed_back is not None:
            with suppress(StoreUnavailable):  # without a heartbeat the lease runs out by itself
                await self._leases.release(self.session_id, self._holder, self._handed_back)
            return
        status, reason = self._outcome or (SessionStatus.ERROR, "the job ended before the call did")
        for _ in range(FINISH_TRIES):
            try:
                await self._sessions.finish(self.session_id, status, reason, by=self._holder)
            except StoreUnavailable:
                await asyncio.sleep(1.0)
            else:
                return

    def _leave(self, status: SessionStatus, reason: str) -> None:
        self._outcome = self._outcome or (status, reason)
        self._over.set()

    def _hand_back(self, why: str) -> None:
        if self._outcome is None and self._handed_back is None:
            self._handed_back = why
            self._over.set()
