"""Everything together, with what must hold of it at any moment."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from agent_runtime.domain.agent import Registration
from agent_runtime.domain.dispatch_rules import MOST_DISPATCHES, DispatchTimeouts
from agent_runtime.domain.lease import EventKind
from agent_runtime.domain.session import LIVE, Session, SessionStatus
from agent_runtime.storage import (
    Doctor,
    RegisteredAgents,
    StoredEvents,
    StoredLeases,
    StoredSessions,
    StoredTranscripts,
    StoredWorkers,
)
from agent_runtime.storage.repositories.sessions import COLUMNS, session_from
from agent_runtime.storage.schema.own import LiveSessions, SessionEvents
from agent_runtime.storage.schema.shared import Sessions
from agent_runtime.storage.sql.statements import Step, bind
from agent_runtime.voice.worker import admission

from .apis import Api, Lock
from .history import History
from .livekit import LATE, LiveKit
from .processes import Inline, Process
from .simulated_time import SimulatedLoop
from .workers import MOST_SESSIONS, PLACES, WELL, Job, Worker

AGENTS = (7, 8)
CLOCKS = (0.0, 10.0)  # seconds by which the machines of the two watchers are off
TERMS = DispatchTimeouts()
# Without an agent: a worker that took it and is silent, the deadline, another such worker, and the
# lease of one that had it; a few seconds for looks and for the way.
LONGEST_NEED = 2 * TERMS.start + TERMS.deadline + TERMS.lease + 5
CALM = 45.0
SOON, SELDOM = 10.0, 40.0
TALK = 60.0  # seconds of a usual call
LOOK_EVERY = 0.5
# Ends that only a caller, an API or a job itself may cause are checked where they are caused.
NEVER = ("left the room: participant_removed", "the worker was shut down", "left behind", "the job")


@dataclass
class Stores:
    """One of each, compiled; processes use them on lines of their own."""

    sessions: StoredSessions
    leases: StoredLeases
    workers: StoredWorkers
    events: StoredEvents
    transcripts: StoredTranscripts
    agents: RegisteredAgents


class World:
    """Two APIs, two workers, LiveKit, a database. What breaks a law is in `broken`."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.loop = SimulatedLoop()
        asyncio.set_event_loop(self.loop)
        self.chance = random.Random(seed)  # noqa: S311 - a walk that can be repeated
        self.database = Inline(folder / "walk.sqlite3")
        sessions = StoredSessions(self.database)
        self.stores = Stores(
            sessions,
            StoredLeases(self.database),
            StoredWorkers(self.database, "livekit"),
            StoredEvents(self.database),
            StoredTranscripts(self.database),
            RegisteredAgents(self.database, sessions),
        )
        self.broken: list[str] = []
        self.calls: list[str] = []
        self.rooms: dict[str, str] = {}
        self.webhooks_lost = self.webhooks_doubled = self.webhooks_late = 0.0
        self.traps: dict[str, tuple[float, bool]] = {}
        self.disturbed_at = 0.0
        self._full_at = 0.0
        self.lock = Lock()
        self.livekit = LiveKit(self)
        leases = self.stores.leases
        self._words = {
            leases._claim: "claim",
            leases._release: "release",
            leases._expire: "expire",
            leases._ask: "ask",
            sessions._hold: "activate",
            sessions._beat: "beat",
            sessions._free_own: "finish",
            sessions._free_unheld: "give up",
        }
        self._names = itertools.count(1)
        self._doctor = Doctor(self.database)
        compile_ = self.database.dialect.compile
        self._rows = compile_(Sessions.select(*COLUMNS))
        self._holders = compile_(LiveSessions.select(LiveSessions.session_id, LiveSessions.holder))
        events = SessionEvents
        self._events = compile_(
            events.select(events.id, events.at, events.session_id, events.kind, events.detail)
            .where(events.id > bind("after", "integer"))
            .order_by(events.id)
        )
        self._events_read = 0
        self.notices = 0.3  # the share that is heard
        self._histories: dict[str, History] = {}
        self.dispatches: dict[str, int] = {}  # which one brought each job
        self._final: dict[str, Session] = {}
        self._final_at: dict[str, float] = {}
        self._served_at: dict[str, float] = {}  # by an agent that is heard
        self._held_at: dict[str, float] = {}  # by one that may be, too; or since it was created
        self._background: set[asyncio.Task[Any]] = set()
        # The real admission reads the machine's clock.
        time = SimpleNamespace(monotonic=self.loop.time)
        self._patched = mock.patch.object(admission, "time", time)
        self._patched.start()
        self._ear = _Ear(self.broken)
        logging.getLogger("agent_runtime").addHandler(self._ear)
        for agent_id in AGENTS:
            self.run(self.stores.agents.register(Registration(agent_id, 3, {}, MOST_SESSIONS)))
        self.apis = [Api(self, f"api-{i}", offset) for i, offset in enumerate(CLOCKS)]
        self.workers = [Worker(self, f"worker-{next(self._names)}") for _ in range(2)]
        self.spawn(self._look())

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run it to its end; time passes meanwhile."""
        return self.loop.run_until_complete(work)

    def pass_time(self, seconds: float) -> None:
        """Everybody goes on."""
        self.run(asyncio.sleep(seconds))

    def close(self) -> None:
        """End of the world."""
        logging.getLogger("agent_runtime").removeHandler(self._ear)
        self._patched.stop()
        everybody = asyncio.all_tasks(self.loop)
        for task in everybody:
            task.cancel()
        self.run(asyncio.sleep(0))
        self.run(asyncio.sleep(0))
        self.database.shut()
        asyncio.set_event_loop(None)
        self.loop.close()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run it beside all else, whoever dies."""
        task = self.loop.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        task.add_done_callback(self.fell)

    def later(self, seconds: float, what: Callable[[], object]) -> None:
        """Do it after a while."""
        self.loop.call_later(seconds, what)

    def fell(self, task: asyncio.Task[Any]) -> None:
        """An error that nobody expected is one of the code, or of this world."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self.broken.append(f"{task.get_coro()} failed: {error!r}")

    # What happens

    async def create(self, api: Api, agent_id: int, room: str, *, with_caller: bool) -> None:
        """A call; its caller comes to the room a little later."""
        creating = api.start(api.create(agent_id, room))
        await asyncio.wait([creating])
        session_id = None if creating.cancelled() else creating.result()
        if session_id is None:
            return
        name = room or f"session-{session_id}"
        self.created(session_id, name)
        if with_caller:
            comes = self.chance.uniform(0, 2)
            self.later(comes, lambda: self.livekit.enter(name, "caller"))
            hangs_up = comes + self.chance.expovariate(1 / TALK)
            self.later(hangs_up, lambda: self.livekit.leave(name, "caller"))

    def created(self, session_id: str, room: str) -> None:
        """There is a session."""
        self.calls.append(session_id)
        self.rooms[session_id] = room
        self._served_at[session_id] = self.loop.time()

    def notify(self, room: str, metadata: str) -> None:
        """Each worker hears of it, or not; late, twice or never like a dispatch."""
        livekit = self.livekit
        for worker in [one for one in self.workers if not one.dead]:
            for _ in range(1 + (self.chance.random() < livekit.doubles)):
                if self.chance.random() < self.notices and self.chance.random() >= livekit.forgets:
                    late = self.chance.random() < livekit.is_late
                    after = self.chance.uniform(0.5, LATE) if late else self.chance.uniform(0, 0.1)
                    self.later(after, partial(self._heard_by, worker, room, metadata))

    def _heard_by(self, worker: Worker, room: str, metadata: str) -> None:
        if not worker.dead:
            worker.start(worker.hear(room, metadata))

    def post(self, body: bytes) -> None:
        """LiveKit tells of something: once, twice, late or never."""
        for _ in range(1 + (self.chance.random() < self.webhooks_doubled)):
            if self.chance.random() >= self.webhooks_lost:
                late = self.chance.uniform(0, 5) if self.chance.random() < self.webhooks_late else 0
                self.later(late + 0.01, lambda: self._deliver(body))

    def _deliver(self, body: bytes) -> None:
        alive = [api for api in self.apis if not api.dead]
        if alive:
            api = self.chance.choice(alive)
            api.start(api.receive(body))

    def restart_api(self, number: int, after: float) -> None:
        """Kill -9, and another one in its place."""
        dead = self.apis[number]
        dead.kill()
        self.disturbed_at = self.loop.time()

        def start() -> None:
            if self.apis[number] is dead:
                self.apis[number] = Api(self, dead.name, dead.offset)

        self.later(after, start)

    def restart_worker(self, number: int, after: float) -> None:
        """The same with a worker; the new one has another name."""
        dead = self.workers[number]
        dead.kill()

        def start() -> None:
            if self.workers[number] is dead:
                self.workers[number] = Worker(self, f"worker-{next(self._names)}")

        self.later(after, start)

    def freeze(self, process: Process, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after a while."""
        process.running.clear()
        process.touched_at = self.loop.time()
        self.later(seconds, lambda: self.thaw(process))

    def trap(self, process: Process, doing: str) -> None:
        """Whoever does it next hangs; a watcher may lose its lock by that."""
        if doing in self.traps:
            seconds, loses_lock = self.traps.pop(doing)
            self.freeze(process, seconds)
            if loses_lock and self.lock.owner is process:
                self.lock.owner = None

    def word_for(self, step: Step) -> str:
        """What a change that begins like this is called."""
        return self._words.get(step.statement, "else")

    def thaw(self, process: Process) -> None:
        """It goes on where it was."""
        if isinstance(process, Api):
            self.disturbed_at = self.loop.time()
        process.touched_at = self.loop.time()
        process.running.set()
        self.later(0.2, self.heard)

    def cut(self, process: Process, seconds: float) -> None:
        """No line to the database for a while."""
        process.is_cut = True
        process.touched_at = self.loop.time()
        if self.lock.owner is process:
            self.lock.owner = None
        self.later(seconds, lambda: self.reconnect(process))

    def reconnect(self, process: Process) -> None:
        """The line is there again."""
        if isinstance(process, Api):
            self.disturbed_at = self.loop.time()
        process.touched_at = self.loop.time()
        process.is_cut = False

    def heal(self) -> None:
        """Nothing is wrong any more; what was killed is back soon."""
        self.livekit.away, self.livekit.hangs = False, 0.0
        self.livekit.forgets = self.livekit.is_late = self.livekit.doubles = 0.0
        self.traps.clear()
        for process in (*self.apis, *self.workers, *self.jobs):
            self.reconnect(process)
            self.thaw(process)
        for number, api in enumerate(self.apis):
            if api.dead:
                self.restart_api(number, 0.5)
        for number, worker in enumerate(self.workers):
            if worker.dead:
                self.restart_worker(number, 0.5)

    # What must hold

    @property
    def jobs(self) -> list[Job]:
        """All that run."""
        return [job for worker in self.workers for job in worker.jobs.values()]

    @property
    def live(self) -> list[Session]:
        """The sessions that are not over."""
        return [one for one in self._sessions() if one.status in LIVE]

    def heard(self) -> None:
        """Never two agents in one room."""
        rooms = [job.room.name for job in self.jobs if job.is_heard and job.room is not None]
        for name in {name for name in rooms if rooms.count(name) > 1}:
            self.broken.append(f"two agents talk in {name}")

    def check(self) -> None:
        """The doctor, and all rows."""
        self._judge()
        now = self.database.moment_at(self.loop.time())
        quiet = self.loop.time() - self._undisturbed_since
        self.broken += [
            str(law)
            for law in self.run(self._doctor.examine(now))
            # A session waits longer than the doctor thinks right where nobody watched it.
            if law.law != "a session that lives is watched" or quiet > LONGEST_NEED
        ]

    def check_calm(self) -> None:
        """Nothing has been wrong for a while: who is not over has an agent, or waits for a place."""
        now = self.loop.time()
        for session in self.live:
            if now - max(self._served_at[session.session_id], self._full_at) > SOON:
                self.broken.append(f"{session} has no agent though there are places")
        if now - self._full_at < SELDOM:
            return  # LiveKit has forgotten those who found no place; they are looked for seldom
        served = {session.room_name for session in self.live}
        for name, room in self.livekit.rooms.items():
            if name.startswith("agent-") and room.callers and name not in served:
                begun = any(one.room_name == name for one in self._final.values())
                if not begun:
                    self.broken.append(f"a caller waits in {name} without any session")

    @property
    def _talking(self) -> set[str]:
        return {job.session_id for job in self.jobs if job.is_heard}

    @property
    def _undisturbed_since(self) -> float:
        blind = any(not api.running.is_set() or api.is_cut for api in self.apis)
        return self.loop.time() if blind else self.disturbed_at

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            for name, room in self.livekit.rooms.items():
                if room.callers:
                    self.livekit.caller_seen[name] = self.loop.time()
            if all(len(worker.jobs) >= PLACES for worker in self.workers):
                self._full_at = self.loop.time()
            self._judge()

    def told(self) -> str:
        """What is broken, and what happened to the sessions that it names."""
        what = "\n".join(self.broken[:5])
        events = self._read(self._events.bind(after=0))
        story = [
            f"{at[11:23]} {key}: {kind} {detail}"
            for _, at, key, kind, detail in events
            if key in what
        ]
        return "\n".join([f"at {self.loop.time():.1f} s: {what}", *story])

    def _sessions(self) -> list[Session]:
        return [session_from(row) for row in self._read(self._rows.bind())]

    def _read(self, step: Step) -> list[Any]:
        return self.database._reader.execute(step.statement.sql, step.values).fetchall()

    def _judge_holders(self) -> None:
        """Who talks, and has done so undisturbed, has its session; or it has ended right now."""
        holders, now = dict(self._read(self._holders.bind())), self.loop.time()
        for job in self.jobs:
            key = job.session_id
            if job.is_heard and holders.get(key) == job.name:
                self._held_at[key] = now
            if job.is_well(now) and holders.get(key, job.name) != job.name:
                self.broken.append(f"{key} was taken from {job.name}, which is well")
            if job.is_well(now) and now - self._final_at.get(key, now) > WELL:
                self.broken.append(f"{job.name} talks though {key} is over")

    def _judge_events(self) -> None:
        """What happened may happen in this order."""
        well = {job.name for job in self.jobs if job.is_well(self.loop.time())}
        for number, _, key, kind, detail in self._read(self._events.bind(after=self._events_read)):
            self._events_read = number
            history = self._histories.setdefault(key, History(key, self.dispatches))
            if kind == EventKind.LOST and history.holder in well:
                self.broken.append(f"{key} was lost by {history.holder}, which is well: {detail}")
            if wrong := history.goes_on(kind, detail):
                self.broken.append(wrong)

    def _judge(self) -> None:
        now, talking = self.loop.time(), self._talking
        self._judge_holders()
        self._judge_events()
        for session in self._sessions():
            key = session.session_id
            # Its creator may have died before it told us.
            self._served_at.setdefault(key, now)
            self._held_at.setdefault(key, now)
            before = self._final.get(key)
            if before is not None and before != session:
                self.broken.append(f"final was not final: {before} became {session}")
            if before is None and session.status.is_final:
                self._final[key], self._final_at[key] = session, now
                self._judge_end(session)
            if key in talking:
                self._served_at[key] = now
            needed = now - max(self._served_at[key], self._undisturbed_since)
            if not session.status.is_final and needed > LONGEST_NEED:
                self.broken.append(f"{session} has had no agent for {needed:.1f} s")

    def _judge_end(self, session: Session) -> None:
        """The reason is true."""
        reason, now = session.reason or "", self.loop.time()
        unserved = now - self._held_at[session.session_id]
        empty = now - self.livekit.caller_seen.get(session.room_name, 0.0)
        is_true = {
            "no agent within": unserved >= TERMS.deadline - LOOK_EVERY,
            # One that is cut off may still be there, and nobody hears it.
            "the agent was lost and nobody": empty >= TERMS.abandoned - LOOK_EVERY,
            f"{MOST_DISPATCHES} agents": True,
        }
        for words, right in is_true.items():
            if reason.startswith(words) and not right:
                self.broken.append(f"{session}: unserved {unserved:.1f} s, empty {empty:.1f} s")
        if reason.startswith(NEVER):
            self.broken.append(f"{session} should not have ended")
        if session.status is SessionStatus.ENDED and not reason:
            self.broken.append(f"{session} ended for no reason")


class _Ear(logging.Handler):
    """Hears what the code calls a bug of its own."""

    def __init__(self, broken: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._broken = broken

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self._broken.append(f"{record.getMessage()}: {record.exc_info[1]!r}")
