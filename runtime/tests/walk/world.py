"""The world of a walk: two APIs, two workers, LiveKit, a database, and what may happen to them."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from agent_runtime.domain.agents.agent import Registration
from agent_runtime.domain.session import Session
from agent_runtime.storage import (
    RegisteredAgents,
    StoredEvents,
    StoredLeases,
    StoredSessions,
    StoredTranscripts,
    StoredWorkers,
)
from agent_runtime.storage.repositories.personal.retention import RetentionTimes, StoredRetention
from agent_runtime.storage.sql.statements import Step

from .apis import Api, Lock
from .jobs import MAX_SESSIONS, Job
from .laws import BugLog, Laws
from .livekit import MAX_DELAY, LiveKit
from .processes import InlineDatabase, Process
from .simulated_time import SimulatedLoop
from .workers import Worker

AGENTS = (7, 8)
CLOCK_OFFSETS = (0.0, 10.0)  # seconds by which the clocks of the two API machines are off
CALL_SECONDS = 60.0  # mean length of a call


@dataclass
class Stores:
    """One store of each kind, compiled; processes use them on connections of their own."""

    sessions: StoredSessions
    leases: StoredLeases
    workers: StoredWorkers
    events: StoredEvents
    transcripts: StoredTranscripts
    retention: StoredRetention
    agents: RegisteredAgents


class World:
    """Everything that takes part in a walk; `laws` records what goes wrong."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.loop = SimulatedLoop()
        asyncio.set_event_loop(self.loop)
        self.chance = random.Random(seed)  # noqa: S311 - a walk that can be repeated
        self.database = InlineDatabase(folder / "walk.sqlite3")
        sessions = StoredSessions(self.database)
        self.stores = Stores(
            sessions,
            StoredLeases(self.database),
            StoredWorkers(self.database, "livekit"),
            StoredEvents(self.database),
            StoredTranscripts(self.database),
            StoredRetention(self.database, RetentionTimes(events=timedelta(days=30))),
            RegisteredAgents(self.database, sessions),
        )
        self.calls: list[str] = []
        self.rooms: dict[str, str] = {}  # room name by session id
        self.dispatches: dict[str, int] = {}  # number of its dispatch by job id
        self.webhooks_lost = self.webhooks_doubled = self.webhooks_late = 0.0
        self.notified_share = 0.3  # of the notices to workers, those that arrive
        self.traps: dict[str, tuple[float, bool]] = {}
        self.disturbed_at = 0.0
        self.lock = Lock()
        self.livekit = LiveKit(self)
        self.laws = Laws(self)
        self._change_names = _names_of_changes(self.stores)
        self._worker_numbers = itertools.count(1)
        self._background: set[asyncio.Task[Any]] = set()
        self._bug_log = BugLog(self.laws)
        logging.getLogger("agent_runtime").addHandler(self._bug_log)
        for agent_id in AGENTS:
            self.run(self.stores.agents.register(Registration(agent_id, 3, {}, MAX_SESSIONS)))
        self.apis = [Api(self, f"api-{i}", offset) for i, offset in enumerate(CLOCK_OFFSETS)]
        self.workers = [self._new_worker() for _ in range(2)]
        self.spawn(self.laws.run())

    @property
    def jobs(self) -> list[Job]:
        """All running jobs."""
        return [job for worker in self.workers for job in worker.jobs.values()]

    @property
    def live(self) -> list[Session]:
        """The sessions that are not over."""
        return self.laws.live

    # Time and tasks

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine to its end, while time passes."""
        return self.loop.run_until_complete(work)

    def pass_time(self, seconds: float) -> None:
        """Let everything go on for some time."""
        self.run(asyncio.sleep(seconds))

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run a coroutine in the background, independent of any process."""
        task = self.loop.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        task.add_done_callback(self.task_done)

    def later(self, seconds: float, what: Callable[[], object]) -> None:
        """Call `what` after some time."""
        self.loop.call_later(seconds, what)

    def task_done(self, task: asyncio.Task[Any]) -> None:
        """Record an unexpected exception: a bug of the code, or of this world."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self.laws.violations.append(f"{task.get_coro()} failed: {error!r}")

    def close(self) -> None:
        """Cancel everything and close the database."""
        logging.getLogger("agent_runtime").removeHandler(self._bug_log)
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.run(asyncio.sleep(0))
        self.run(asyncio.sleep(0))
        self.database.shut()
        asyncio.set_event_loop(None)
        self.loop.close()

    # Calls, notices and webhooks

    async def create(self, api: Api, agent_id: int, room: str, *, with_caller: bool) -> None:
        """Create a session; its caller joins the room a little later."""
        creating = api.start(api.create(agent_id, room))
        await asyncio.wait([creating])
        session_id = None if creating.cancelled() else creating.result()
        if session_id is None:
            return
        name = room or f"session-{session_id}"
        self.session_created(session_id, name)
        if with_caller:
            joins = self.chance.uniform(0, 2)
            self.later(joins, lambda: self.livekit.enter(name, "caller"))
            hangs_up = joins + self.chance.expovariate(1 / CALL_SECONDS)
            self.later(hangs_up, lambda: self.livekit.leave(name, "caller"))

    def session_created(self, session_id: str, room: str) -> None:
        """Record a new session."""
        self.calls.append(session_id)
        self.rooms[session_id] = room
        self.laws.session_created(session_id)

    def notify(self, session_id: str) -> None:
        """Notify each worker of a dispatch; a notice may be lost, late or doubled like a dispatch."""
        livekit, chance = self.livekit, self.chance
        for worker in [one for one in self.workers if not one.dead]:
            for _ in range(1 + (chance.random() < livekit.doubled_share)):
                arrives = chance.random() < self.notified_share
                if arrives and chance.random() >= livekit.lost_share:
                    is_late = chance.random() < livekit.late_share
                    after = chance.uniform(0.5, MAX_DELAY) if is_late else chance.uniform(0, 0.1)
                    self.later(after, partial(self._notify_worker, worker, session_id))

    def _notify_worker(self, worker: Worker, session_id: str) -> None:
        if not worker.dead:
            worker.start(worker.receive_notice(session_id))

    def post(self, body: bytes) -> None:
        """Deliver a webhook of LiveKit, which may be lost, late or doubled."""
        for _ in range(1 + (self.chance.random() < self.webhooks_doubled)):
            if self.chance.random() >= self.webhooks_lost:
                late = self.chance.uniform(0, 5) if self.chance.random() < self.webhooks_late else 0
                self.later(late + 0.01, lambda: self._deliver(body))

    def _deliver(self, body: bytes) -> None:
        alive = [api for api in self.apis if not api.dead]
        if alive:
            api = self.chance.choice(alive)
            api.start(api.receive(body))

    # Disturbances

    def restart_api(self, number: int, after: float) -> None:
        """Kill an API process, and start another one in its place after some time."""
        dead = self.apis[number]
        dead.kill()
        self.disturbed_at = self.loop.time()

        def start() -> None:
            if self.apis[number] is dead:
                self.apis[number] = Api(self, dead.name, dead.offset)

        self.later(after, start)

    def restart_worker(self, number: int, after: float) -> None:
        """Kill a worker, and start one with another name in its place after some time."""
        dead = self.workers[number]
        dead.kill()

        def start() -> None:
            if self.workers[number] is dead:
                self.workers[number] = self._new_worker()

        self.later(after, start)

    def _new_worker(self) -> Worker:
        return Worker(self, f"worker-{next(self._worker_numbers)}")

    def suspend(self, process: Process, seconds: float) -> None:
        """Suspend a process as with SIGSTOP, and resume it after some time."""
        process.running.clear()
        process.disturbed_at = self.loop.time()
        self.later(seconds, lambda: self.resume(process))

    def resume(self, process: Process) -> None:
        """Resume a process where it was suspended."""
        self._record_disturbance(process)
        process.running.set()
        self.later(0.2, self.laws.check_rooms)

    def disconnect(self, process: Process, seconds: float) -> None:
        """Disconnect a process from the database for some time; it loses the leader lock."""
        process.is_disconnected = True
        process.disturbed_at = self.loop.time()
        if self.lock.owner is process:
            self.lock.owner = None
        self.later(seconds, lambda: self.reconnect(process))

    def reconnect(self, process: Process) -> None:
        """Connect a process to the database again."""
        self._record_disturbance(process)
        process.is_disconnected = False

    def _record_disturbance(self, process: Process) -> None:
        if isinstance(process, Api):
            self.disturbed_at = self.loop.time()
        process.disturbed_at = self.loop.time()

    def trap(self, process: Process, doing: str) -> None:
        """Suspend the process if a trap is set for this step; a supervisor may lose its lock by it."""
        if doing in self.traps:
            seconds, loses_lock = self.traps.pop(doing)
            self.suspend(process, seconds)
            if loses_lock and self.lock.owner is process:
                self.lock.owner = None

    def name_of(self, step: Step) -> str:
        """The name of the change that begins with this statement."""
        return self._change_names.get(step.statement, "other")

    def heal(self) -> None:
        """End all disturbances; killed processes are back soon."""
        livekit = self.livekit
        livekit.is_unavailable, livekit.hangs = False, 0.0
        livekit.lost_share = livekit.late_share = livekit.doubled_share = 0.0
        self.traps.clear()
        for process in (*self.apis, *self.workers, *self.jobs):
            self.reconnect(process)
            self.resume(process)
        for number, api in enumerate(self.apis):
            if api.dead:
                self.restart_api(number, 0.5)
        for number, worker in enumerate(self.workers):
            if worker.dead:
                self.restart_worker(number, 0.5)


def _names_of_changes(stores: Stores) -> dict[object, str]:
    """The changes at which a process can be trapped, by their first statement."""
    leases, sessions = stores.leases, stores.sessions
    return {
        leases._claim: "claim",
        leases._release: "release",
        leases._expire: "expire",
        leases._record_dispatch: "record dispatch",
        sessions._hold: "activate",
        sessions._heartbeat: "heartbeat",
        sessions._free_own: "finish",
        sessions._free_unheld: "give up",
    }
