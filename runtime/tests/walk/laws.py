"""The laws that must hold in a walk at any moment; whatever breaks one is recorded as a violation."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from agent_runtime.domain.dispatch_rules import MAX_DISPATCHES, DispatchTimeouts
from agent_runtime.domain.lease import EventKind
from agent_runtime.domain.session import LIVE, Session, SessionStatus
from agent_runtime.storage import Doctor
from agent_runtime.storage.repositories.doctor import SUPERVISED
from agent_runtime.storage.repositories.sessions.rows import COLUMNS, session_from
from agent_runtime.storage.schema.runtime import LiveSessions, SessionEvents
from agent_runtime.storage.schema.shared.sessions import Sessions
from agent_runtime.storage.sql.statements import Step, bind

from .history import History
from .jobs import SETTLED_AFTER
from .workers import MAX_CALLS

if TYPE_CHECKING:
    from .world import World

TIMEOUTS = DispatchTimeouts()
# Most seconds that a session may be without an agent: a silent worker that accepted it, the deadline,
# another such worker, the lease of one that held it, and a few seconds for passes and calls.
MAX_UNSERVED = 2 * TIMEOUTS.start + TIMEOUTS.deadline + TIMEOUTS.lease + 5
# Seconds after which, in calm, a session must have an agent when a worker has capacity.
SERVED_WITHIN = 10.0
# Seconds after which, in calm, a caller's room must have a session: rooms that found no worker are
# dispatched seldom, since LiveKit has forgotten their dispatch.
ROOM_SERVED_WITHIN = 40.0
JUDGE_INTERVAL = 0.5  # seconds
# Reasons that never end a session. Ends that only a caller, an API or a job may cause are checked where
# they happen.
FORBIDDEN = (
    "left the room: participant_removed",
    "the worker was shut down",
    "left behind",
    "the job",
)


class Laws:
    """Judges the rows and the rooms of a world, at intervals and whenever they are checked."""

    def __init__(self, world: World) -> None:
        self.violations: list[str] = []
        self._world = world
        self._doctor = Doctor(world.database)
        compile_ = world.database.dialect.compile
        self._rows = compile_(Sessions.select(*COLUMNS))
        self._holders = compile_(LiveSessions.select(LiveSessions.session_id, LiveSessions.holder))
        events = SessionEvents
        self._events = compile_(
            events.select(events.id, events.at, events.session_id, events.kind, events.detail)
            .where(events.id > bind("after", "integer"))
            .order_by(events.id)
        )
        self._events_read = 0
        self._full_at = 0.0  # when all workers were full the last time
        self._histories: dict[str, History] = {}
        self._final: dict[str, Session] = {}
        self._final_at: dict[str, float] = {}
        # When each session was last served by an agent that callers hear, or was created.
        self._served_at: dict[str, float] = {}
        # When each session was last held by a job that callers may hear, or was created.
        self._held_at: dict[str, float] = {}

    @property
    def live(self) -> list[Session]:
        """The sessions that are not over."""
        return [one for one in self._sessions() if one.status in LIVE]

    def session_created(self, session_id: str) -> None:
        """Start to measure how long the session has no agent."""
        self._served_at[session_id] = self._world.loop.time()

    def check_rooms(self) -> None:
        """A room never has two agents that callers hear."""
        jobs = self._world.jobs
        rooms = [job.room.name for job in jobs if job.is_heard and job.room is not None]
        for name in {name for name in rooms if rooms.count(name) > 1}:
            self.violations.append(f"two agents talk in {name}")

    def check(self) -> None:
        """All laws of the rows, those of the doctor included."""
        self._judge()
        loop, database = self._world.loop, self._world.database
        quiet = loop.time() - self._undisturbed_since
        self.violations += [
            str(law)
            for law in self._world.run(self._doctor.examine(database.moment_at(loop.time())))
            # Without a supervisor a session may wait longer than the doctor allows.
            if law.law != SUPERVISED or quiet > MAX_UNSERVED
        ]

    def check_calm(self) -> None:
        """After a calm time every live session has an agent, or waits for capacity."""
        now = self._world.loop.time()
        for session in self.live:
            if now - max(self._served_at[session.session_id], self._full_at) > SERVED_WITHIN:
                self.violations.append(f"{session} has no agent although workers have capacity")
        if now - self._full_at < ROOM_SERVED_WITHIN:
            return
        served = {session.room_name for session in self.live}
        for name, room in self._world.livekit.rooms.items():
            if name.startswith("agent-") and room.callers and name not in served:
                started = any(one.room_name == name for one in self._final.values())
                if not started:
                    self.violations.append(f"a caller waits in {name} without any session")

    async def run(self) -> None:
        """Judge at intervals for as long as the world exists."""
        while True:
            await asyncio.sleep(JUDGE_INTERVAL)
            livekit, now = self._world.livekit, self._world.loop.time()
            for name, room in livekit.rooms.items():
                if room.callers:
                    livekit.caller_seen[name] = now
            if all(len(worker.jobs) >= MAX_CALLS for worker in self._world.workers):
                self._full_at = now
            self._judge()

    def report(self) -> str:
        """The violations, with the events of the sessions that they name."""
        what = "\n".join(self.violations[:5])
        events = self._read(self._events.bind(after=0))
        story = [
            f"{at[11:23]} {key}: {kind} {detail}"
            for _, at, key, kind, detail in events
            if key in what
        ]
        return "\n".join([f"at {self._world.loop.time():.1f} s: {what}", *story])

    @property
    def _undisturbed_since(self) -> float:
        world = self._world
        blind = any(not api.running.is_set() or api.is_disconnected for api in world.apis)
        return world.loop.time() if blind else world.disturbed_at

    def _sessions(self) -> list[Session]:
        return [session_from(row) for row in self._read(self._rows.bind())]

    def _read(self, step: Step) -> list[Any]:
        reader = self._world.database._reader
        return reader.execute(step.statement.sql, step.values).fetchall()

    def _judge(self) -> None:
        now = self._world.loop.time()
        talking = {job.session_id for job in self._world.jobs if job.is_heard}
        self._judge_holders()
        self._judge_events()
        for session in self._sessions():
            key = session.session_id
            # The API that created it may have died before it reported the session.
            self._served_at.setdefault(key, now)
            self._held_at.setdefault(key, now)
            before = self._final.get(key)
            if before is not None and before != session:
                self.violations.append(f"final was not final: {before} became {session}")
            if before is None and session.status.is_final:
                self._final[key], self._final_at[key] = session, now
                self._judge_end(session)
            if key in talking:
                self._served_at[key] = now
            unserved = now - max(self._served_at[key], self._undisturbed_since)
            if not session.status.is_final and unserved > MAX_UNSERVED:
                self.violations.append(f"{session} has had no agent for {unserved:.1f} s")

    def _judge_holders(self) -> None:
        """A job that talks undisturbed holds its session, which is not over for long."""
        holders, now = dict(self._read(self._holders.bind())), self._world.loop.time()
        for job in self._world.jobs:
            key = job.session_id
            if job.is_heard and holders.get(key) == job.name:
                self._held_at[key] = now
            if job.is_undisturbed(now) and holders.get(key, job.name) != job.name:
                self.violations.append(f"{key} was taken from {job.name}, which is undisturbed")
            if job.is_undisturbed(now) and now - self._final_at.get(key, now) > SETTLED_AFTER:
                self.violations.append(f"{job.name} talks although {key} is over")

    def _judge_events(self) -> None:
        """The events of each session occur in a possible order."""
        now = self._world.loop.time()
        undisturbed = {job.name for job in self._world.jobs if job.is_undisturbed(now)}
        for number, _, key, kind, detail in self._read(self._events.bind(after=self._events_read)):
            self._events_read = number
            history = self._histories.setdefault(key, History(key, self._world.dispatches))
            if kind == EventKind.LOST and history.holder in undisturbed:
                what = f"{key} was lost by {history.holder}, which is undisturbed: {detail}"
                self.violations.append(what)
            if wrong := history.add(kind, detail):
                self.violations.append(wrong)

    def _judge_end(self, session: Session) -> None:
        """The reason of a session's end is true."""
        reason, now = session.reason or "", self._world.loop.time()
        unserved = now - self._held_at[session.session_id]
        empty = now - self._world.livekit.caller_seen.get(session.room_name, 0.0)
        is_true = {
            "no agent within": unserved >= TIMEOUTS.deadline - JUDGE_INTERVAL,
            # A disconnected agent may still be in the room, where nobody hears it.
            "the agent was lost and nobody": empty >= TIMEOUTS.abandoned - JUDGE_INTERVAL,
            f"{MAX_DISPATCHES} agents": True,
        }
        for words, right in is_true.items():
            if reason.startswith(words) and not right:
                what = f"{session}: unserved {unserved:.1f} s, empty {empty:.1f} s"
                self.violations.append(what)
        if reason.startswith(FORBIDDEN):
            self.violations.append(f"{session} should not have ended")
        if session.status is SessionStatus.ENDED and not reason:
            self.violations.append(f"{session} ended without a reason")


class BugLog(logging.Handler):
    """Records as violations the errors that the code logs as its own bugs."""

    def __init__(self, laws: Laws) -> None:
        super().__init__(logging.ERROR)
        self._laws = laws

    def emit(self, record: logging.LogRecord) -> None:
        """Record an exception that was logged as an error."""
        if record.exc_info:
            self._laws.violations.append(f"{record.getMessage()}: {record.exc_info[1]!r}")
