"""Workers: the real admission, and around it what a worker does with its jobs and rows."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.domain.lease import Holder, WorkerState
from agent_runtime.voice.worker.admission import Admission

from .jobs import Job
from .livekit import Dispatch
from .processes import Process

if TYPE_CHECKING:
    from agent_runtime.storage import StoredLeases

    from .world import World

MAX_CALLS = 8  # of one worker


class Worker(Process):
    """Accepts jobs, reports itself, releases the leases of its dead jobs."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name)
        self.world = world
        self.jobs: dict[str, Job] = {}
        self._leases = self.connected(world.stores.leases)
        self._workers = self.connected(world.stores.workers)
        self._admission = Admission(self, name, MAX_CALLS, 100, clock=world.loop.time)  # type: ignore[arg-type]
        self._admission.claims.leases = _RecordingLeases(world, self._leases)  # type: ignore[assignment]
        self._disconnected = asyncio.Event()
        self.start(self._release_leases())
        self.start(self._report())

    @property
    def active_jobs(self) -> list[SimpleNamespace]:
        """The running jobs, in the form of the agent server."""
        jobs = [SimpleNamespace(id=key, dispatch_id="AD_1") for key in self.jobs]
        return [SimpleNamespace(job=job) for job in jobs]

    async def offer(self, job_id: str, dispatch: Dispatch, room: str) -> bool | None:
        """True when accepted, False when no worker may take it, None when another one may."""
        self.world.dispatches[job_id] = dispatch.number
        await self.step()
        answer: bool | None = None
        is_awaited = True

        async def accept(
            *, identity: str, name: str, attributes: Mapping[str, str] | None = None
        ) -> None:
            nonlocal answer
            del name
            answer = True
            if is_awaited and not self.dead and not dispatch.deleted:
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
        disconnected = asyncio.ensure_future(self._disconnected.wait())
        try:
            await asyncio.wait([answering, disconnected], return_when=asyncio.FIRST_COMPLETED)
        finally:
            disconnected.cancel()
            is_awaited = False  # an acceptance comes too late now
        return answer

    async def receive_notice(self, session_id: str) -> None:
        """Take a session that an API process announced, without an offer: LiveKit has no job for it."""
        await self.step()
        order = await self._admission.claims.order(session_id)
        if order is None:
            return
        claimed = await self._admission.claim_directly(order.room_name, order.metadata)
        if claimed is None:
            return
        await self.step(0.2)
        key = claimed.holder
        dispatch = Dispatch(key, order.metadata)
        job = self.jobs[key] = Job(self, key, claimed.identity, dispatch, order.room_name)
        job.is_claimed = True
        job.start(job.live())

    def disconnect_livekit(self) -> None:
        """Drop the connection to LiveKit and reconnect: pending offers go to another worker."""
        self._disconnected.set()
        self._disconnected = asyncio.Event()

    def kill(self) -> None:
        """Kill the worker with all its jobs."""
        super().kill()
        for job in list(self.jobs.values()):
            job.kill()

    async def _release_leases(self) -> None:
        unreleased: dict[str, str] = {}
        while True:
            await asyncio.sleep(0.2)
            unreleased |= {
                job: accepted.session_id for job, accepted in self._admission.remove_vanished()
            }
            try:
                for job, session_id in list(unreleased.items()):
                    await self._leases.release(
                        session_id, Holder(job, self.name), "its process died"
                    )
                    del unreleased[job]
            except StoreUnavailable:
                continue

    async def _report(self) -> None:
        while True:
            taken, free = len(self._admission.jobs), self._admission.free_calls
            instance = WorkerState(self.name, "", "running", taken, free, self._admission.handled)
            try:
                await self._workers.report(instance, self.clock.wall())
                others = [one for one in await self._workers.all() if one.name != self.name]
                self._admission.claims.others_free = any(one.free for one in others)
            except StoreUnavailable:
                pass
            await asyncio.sleep(1.0)


class _RecordingLeases:
    """The leases of a worker; records the dispatch of each job before it claims its session."""

    def __init__(self, world: World, leases: StoredLeases) -> None:
        self._world = world
        self._leases = leases
        self.lost_by = leases.lost_by
        self.mark_refused = leases.mark_refused
        self.order = leases.order

    async def claim(self, session_id: str, holder: Holder) -> int:
        """Claim as in the port LeaseStore."""
        self._world.dispatches.setdefault(holder.job, holder.dispatch or 1)
        return await self._leases.claim(session_id, holder)
