"""Jobs: the real lease keeper, and around it the steps of a call."""

from __future__ import annotations

import asyncio
from contextlib import suppress
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
from agent_runtime.domain.lease import Holder
from agent_runtime.domain.session import Session, SessionStatus, session_of
from agent_runtime.voice.call.lease_keeper import LeaseKeeper

from .livekit import Dispatch, Room
from .processes import Process

if TYPE_CHECKING:
    from .workers import Worker

MAX_SESSIONS = 1_000_000  # of one agent: no limit
HEARTBEAT = 0.5  # seconds
LEAVE_GRACE = 1.0  # seconds
WAIT_FOR_CALLER = 60.0  # seconds
POLL_INTERVAL = 0.25  # seconds between two checks whether callers are in the room
FINISH_TRIES = 5
# Seconds after a disturbance until a job counts as undisturbed: a lease, a heartbeat, time for calls.
SETTLED_AFTER = 4.0
# Most seconds until LiveKit notices that the connection of a dead job is gone.
DROPS_WITHIN = 5.0


class Job(Process):
    """One agent in one room, with the steps of a real call but without audio."""

    def __init__(
        self, worker: Worker, job_id: str, identity: str, dispatch: Dispatch, room: str
    ) -> None:
        super().__init__(worker.world, job_id)
        self.identity = identity
        self.room_name = room
        self.talks = False
        self.is_claimed = False  # by the worker: the job joins before it has prepared anything
        self.room: Room | None = None
        self._worker = worker
        self._world = worker.world
        self._target = target_of(dispatch.metadata, room)
        self.session_id = self._target.session_id or session_of(identity)
        self._automatic = self._target.session_id is None or bool(
            self._target.variables.get(AUTOMATIC)
        )
        self._holder = Holder(job_id, worker.name, self._target.dispatch)
        self._sessions = self.connected(self._world.stores.sessions)
        self._leases = self.connected(self._world.stores.leases)
        self._outcome: tuple[SessionStatus, str] | None = None
        self._handed_back: str | None = None
        self._over = asyncio.Event()

    @property
    def is_heard(self) -> bool:
        """Whether participants in the room hear this agent."""
        return self.talks and not self.dead and self.room is not None and self.running.is_set()

    def is_undisturbed(self, now: float) -> bool:
        """Whether the job has been undisturbed for so long that nobody may consider it lost."""
        return (
            self.is_heard and not self.is_disconnected and now - self.disturbed_at > SETTLED_AFTER
        )

    async def live(self) -> None:
        """Run the job from its first step to the final row."""
        try:
            await self._begin()
        except (SessionHeld, StoreUnavailable) as error:
            self._hand_back(str(error))
        except (SessionOver, RoomTaken, SessionNotFound, AgentAtCapacity) as error:
            self._leave(SessionStatus.ERROR, str(error))
        else:
            self.talks = not self._over.is_set()
            self.disturbed_at = self._world.loop.time()
            self._world.laws.check_rooms()
            helpers = [self.start(self._keeper().run()), self.start(self._listen())]
            await self._over.wait()
            for task in helpers:
                task.cancel()
        self.talks = False
        await self._close()
        if self.room is not None:
            self._world.livekit.leave_job(self.room, self)
        self._worker.jobs.pop(self.name, None)

    def kill(self) -> None:
        """Kill the job; its connection breaks, which LiveKit notices a little later."""
        super().kill()
        self._worker.jobs.pop(self.name, None)
        room = self.room
        if room is not None:
            after = self._world.chance.uniform(0, DROPS_WITHIN)
            self._world.later(after, lambda: self._world.livekit.leave_job(room, self))

    def disconnected(self, why: str) -> None:
        """Handle that LiveKit has disconnected the agent."""
        self.room = None
        if why == "duplicate_identity":
            self._hand_back(why)
        else:
            self._leave(SessionStatus.ENDED, f"left the room: {why}")

    def terminate(self) -> None:
        """Handle that LiveKit has ended the job."""
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
            await self._sessions.create_automatic(session, MAX_SESSIONS)
            await self._leases.claim(self.session_id, self._holder)
            self._world.session_created(self.session_id, self.room_name)
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
            is_connected=lambda: self.room is not None,
            on_ended=lambda: self._leave(SessionStatus.ENDED, "ended elsewhere"),
            on_lost=self._hand_back,
        )

    async def _listen(self) -> None:
        """End the call when the caller has left, or when none comes."""
        alone, limit = 0.0, WAIT_FOR_CALLER
        while True:
            await asyncio.sleep(POLL_INTERVAL)
            await self.running.wait()
            if self.room is None:
                return
            if self.room.callers:
                alone, limit = 0.0, LEAVE_GRACE
                continue
            alone += POLL_INTERVAL
            if alone > limit:
                came = limit == LEAVE_GRACE
                if came and self._automatic:
                    self._world.livekit.delete(self.room_name)
                self._leave(SessionStatus.ENDED, "the caller left" if came else "no caller came")
                return

    async def _close(self) -> None:
        if self._handed_back is not None:
            with suppress(StoreUnavailable):  # without a heartbeat the lease expires by itself
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
