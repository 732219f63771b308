"""Carries out what the dispatch rules decide, in whichever API process holds the leader lock.

Passes over the sessions follow each other at `interval`, however slow their actions are: actions run
beside the passes, one at a time for each session. A LiveKit server that hangs, or housekeeping that
fails, delays no deadline.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Container
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from agent_runtime.application.waiting_callers import WaitingCallers
from agent_runtime.domain.clock import MACHINE, Clock
from agent_runtime.domain.dispatch_rules import (
    Action,
    CheckForCaller,
    DispatchRules,
    DispatchTimeouts,
    ExpireLease,
    GiveUp,
    Redispatch,
)
from agent_runtime.domain.errors import LiveKitUnavailable, StoreUnavailable
from agent_runtime.domain.job import is_agents_room
from agent_runtime.domain.lease import EventKind, LiveSession
from agent_runtime.domain.ports.livekit import Rooms
from agent_runtime.domain.ports.sessions import (
    EventStore,
    LeaseStore,
    Retention,
    SessionStore,
    TranscriptStore,
)
from agent_runtime.domain.ports.workers import LeaderLock, WorkerStore
from agent_runtime.domain.session import PARTICIPANT_IDENTITY, Session
from agent_runtime.telemetry.log_throttle import LogThrottle

logger = logging.getLogger(__name__)

# Seconds between two reads of LiveKit's list of rooms.
ROOMS_INTERVAL: Final = 0.5
# Seconds between two rounds of housekeeping.
HOUSEKEEPING_INTERVAL: Final = 30.0
# Seconds between a nudge and the pass that it causes, so that thousands of nudges at once cause one
# pass.
NUDGE_DELAY: Final = 0.03
# Actions that run at the same time: thousands that begin together must not wait for each other's
# connections until they time out.
MAX_ACTIONS: Final = 32
# Seconds for which we try to close the room of a session that was given up while LiveKit was
# unavailable: a caller may come back to the room that long after.
CLOSE_ROOM_WITHIN: Final = 600.0
# How long the rows of workers that stopped or fell silent are kept.
WORKER_RETENTION: Final = timedelta(days=7)


class SessionSupervisor:
    """Of all API processes on a database one supervises; another takes over when it is gone."""

    def __init__(
        self,
        *,
        lock: LeaderLock,
        leases: LeaseStore,
        sessions: SessionStore,
        workers: WorkerStore,
        events: EventStore,
        transcripts: TranscriptStore,
        retention: Retention,
        rooms: Rooms,
        timeouts: DispatchTimeouts,
        interval: float,
        clock: Clock = MACHINE,
    ) -> None:
        self._lock = lock
        self._leases = leases
        self._sessions = sessions
        self._workers = workers
        self._events = events
        self._transcripts = transcripts
        self._retention = retention
        self._rooms = rooms
        self._timeouts = timeouts
        self._interval = interval
        self._clock = clock
        self._waiting = WaitingCallers(rooms, sessions, clock)
        self._rules: DispatchRules | None = None  # None while another process supervises
        self._nudged = asyncio.Event()
        self._rooms_read_at = 0.0
        self._housekept_at = -HOUSEKEEPING_INTERVAL
        # Actions that run beside the passes, by session id or by name.
        self._running: dict[str, asyncio.Task[None]] = {}
        self._places = asyncio.Semaphore(MAX_ACTIONS)
        # Sessions that were given up and whose rooms are not closed yet, with the time to stop trying.
        self._rooms_to_close: dict[str, tuple[Session, float]] = {}
        self._database_outage = LogThrottle(logger, "supervisor: live sessions are not known")
        self._livekit_outage = LogThrottle(logger, "supervisor: occupied rooms are not known")

    @property
    def leads(self) -> bool:
        """Whether this process supervises the sessions."""
        return self._rules is not None

    async def run(self) -> None:
        """Supervise until cancelled."""
        try:
            while True:
                try:
                    await self._pass()
                    self._database_outage.recovered()
                except StoreUnavailable as error:
                    self._database_outage.failed(error)
                    self._rules = None  # what changed during the outage was not seen: start anew
                except Exception:
                    logger.exception("supervisor: this pass failed, the next one follows")
                    self._rules = None
                await self._pause()
        finally:
            for task in self._running.values():
                task.cancel()

    def nudge(self) -> None:
        """Something has happened: make a pass now."""
        self._rooms_read_at = 0.0
        self._nudged.set()

    def _start(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` beside the passes, unless work of this name is still running."""
        if name not in self._running:
            task = asyncio.create_task(self._guarded(name, work))
            self._running[name] = task
            task.add_done_callback(lambda _: self._running.pop(name))

    async def _guarded(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except (StoreUnavailable, LiveKitUnavailable) as error:
            logger.warning("supervisor: %s: %s", name, error)
        except Exception:
            logger.exception("supervisor: %s failed", name)

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._interval):
                await self._nudged.wait()
        except TimeoutError:
            return
        await asyncio.sleep(NUDGE_DELAY)
        self._nudged.clear()

    async def _pass(self) -> None:
        if not await self._lock.acquire():
            self._rules = None
            return
        if self._rules is None:
            logger.info("this process supervises the sessions")
            self._rules = DispatchRules(self._timeouts)
        now = self._clock.steady()
        if now - self._housekept_at >= HOUSEKEEPING_INTERVAL:
            self._housekept_at = now
            self._start("housekeeping", partial(self._housekeep, self._rules))
        await self._apply(self._rules)

    async def _apply(self, rules: DispatchRules) -> None:
        live = await self._leases.live()
        workers = await self._workers.all()
        now = self._clock.steady()
        for action in rules.decide(now, live, workers, busy=self._running.keys()):
            self._start(action.live.session.session_id, partial(self._act, rules, action))
        if now - self._rooms_read_at >= ROOMS_INTERVAL:
            self._rooms_read_at = now
            self._start("rooms", partial(self._serve_rooms, rules))

    async def _act(self, rules: DispatchRules, action: Action) -> None:
        try:
            async with self._places:
                await self._carry_out(rules, action)
        except StoreUnavailable as error:
            logger.warning("supervisor: %s", error)
            self._rules = None  # heartbeats may not have been written either

    async def _carry_out(self, rules: DispatchRules, action: Action) -> None:
        if isinstance(action, ExpireLease):
            if await self._leases.expire(action.live, action.why):
                logger.warning("agent lost: %s", action.why, extra=_fields(action.live.session))
                self._nudged.set()
        elif isinstance(action, GiveUp):
            await self._give_up(action.live, action.reason)
        elif isinstance(action, CheckForCaller):
            try:
                await self._check_for_caller(rules, action.live)
            except LiveKitUnavailable as error:
                logger.warning("not known whether a caller waits: %s", error)
        else:
            await self._redispatch(rules, action)

    async def _check_for_caller(self, rules: DispatchRules, live: LiveSession) -> bool:
        identity = live.variables.get(PARTICIPANT_IDENTITY)
        found = bool(await self._rooms.count_callers(live.session.room_name, identity))
        rules.record_caller(self._clock.steady(), live, found=found)
        return found

    async def _redispatch(self, rules: DispatchRules, action: Redispatch) -> None:
        live, session = action.live, action.live.session
        try:
            if action.for_caller and not await self._check_for_caller(rules, live):
                return
            if not await self._leases.record_dispatch(live, action.why):
                return
            logger.info("dispatching another agent: %s", action.why, extra=_fields(session))
            await self._rooms.redispatch(session, live.variables, live.dispatches + 1)
        except LiveKitUnavailable as error:
            # The deadline keeps running; a later pass tries again.
            logger.warning("no agent can be dispatched: %s", error)

    async def _give_up(self, live: LiveSession, reason: str) -> None:
        session = live.session
        reason += await self._last_loss(session)
        if not await self._sessions.give_up(live, reason):
            return  # an agent came after all
        logger.warning("session given up: %s", reason, extra=_fields(session))
        until = self._clock.steady() + CLOSE_ROOM_WITHIN
        self._rooms_to_close[session.session_id] = session, until
        await self._close_room(session)

    async def _last_loss(self, session: Session) -> str:
        """The words that say how the last agent was lost; empty when none was."""
        events = [event for _, event in await self._events.read(session.session_id)]
        lost = [event.detail for event in events if event.kind == EventKind.LOST and event.detail]
        return f"; the last agent was lost: {lost[-1]}" if lost else ""

    async def _close_room(self, session: Session) -> None:
        """Close the room so that its callers stop waiting, unless another session's call is in it."""
        try:
            await self._rooms.remove_agent(session)
            is_ours = session.has_room_of_its_own or is_agents_room(session.room_name)
            if is_ours and not await self._leases.is_live(session.room_name):
                await self._rooms.close_room(session.room_name)
        except (LiveKitUnavailable, StoreUnavailable) as error:
            logger.warning("room %s is not closed yet: %s", session.room_name, error)
        else:
            self._rooms_to_close.pop(session.session_id, None)

    async def _close_remaining(self, rooms: Container[str]) -> None:
        """Close the rooms that could not be closed when their sessions were given up."""
        for session, until in list(self._rooms_to_close.values()):
            if self._clock.steady() > until:
                del self._rooms_to_close[session.session_id]
            elif session.room_name in rooms and session.session_id not in self._running:
                await self._close_room(session)

    async def _serve_rooms(self, rules: DispatchRules) -> None:
        try:
            rooms = await self._rooms.open_rooms()
        except LiveKitUnavailable as error:
            self._livekit_outage.failed(error)
            return
        self._livekit_outage.recovered()
        await self._close_remaining(rooms)
        # Read after the rooms, so that a session which was created with its room is seen.
        live = await self._leases.live()
        await self._waiting.serve(rules, rooms, live)

    async def _housekeep(self, rules: DispatchRules) -> None:
        now = self._clock.wall()
        for part in (
            self._end_orphans,
            partial(self._mark_lost_workers, rules),
            self._transcripts.clear,
            partial(self._workers.forget, now, WORKER_RETENTION),
            partial(self._retain, now),  # last, since it may take seconds
        ):
            await self._guarded("housekeeping", part)  # a part that fails does not stop the others

    async def _retain(self, now: datetime) -> None:
        await self._retention.round(now)

    async def _end_orphans(self) -> None:
        for session in await self._sessions.end_orphans():
            logger.warning(
                "orphaned session ended: it was %s without a lease",
                session.status.value,
                extra={"session": session.session_id},
            )

    async def _mark_lost_workers(self, rules: DispatchRules) -> None:
        for name in rules.silent_workers(self._clock.steady()):
            logger.warning("worker %s has stopped reporting", name)
            await self._workers.mark_lost(name)


def _fields(session: Session) -> dict[str, str]:
    """The log fields of a session."""
    return {"session": session.session_id, "room": session.room_name}
