"""Acts on what `domain.watch` finds, for as long as this process is the one that may.

Looks follow each other at `interval`, whatever else is slow: what they find is done beside them, one thing
at a time for each session. A LiveKit that hangs, or housekeeping that fails, stops no clock.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Container
from datetime import timedelta
from functools import partial
from typing import Final

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
from agent_runtime.domain.job import ROOM_PATTERN
from agent_runtime.domain.lease import LiveSession
from agent_runtime.domain.ports.livekit import Rooms
from agent_runtime.domain.ports.sessions import (
    EventStore,
    LeaseStore,
    SessionStore,
    TranscriptStore,
)
from agent_runtime.domain.ports.workers import LeaderLock, WorkerStore
from agent_runtime.domain.session import Session
from agent_runtime.telemetry.log_throttle import OutageLog

logger = logging.getLogger(__name__)

ROOMS_EVERY: Final = 1.0  # seconds between two looks at LiveKit's list of rooms
SWEEP_EVERY: Final = 30.0
SHORTEST_PAUSE: Final = 0.03
CLOCKS_DIFFER: Final = timedelta(seconds=5)
EVENTS_KEPT: Final = timedelta(days=30)
# Seconds in which a caller whose session was given up while LiveKit was away comes back to the room.
OWED_FOR: Final = 600.0
INSTANCES_KEPT: Final = timedelta(days=7)  # those that have stopped or fallen silent


class SessionSupervisor:
    """Of all API processes on a database one watches; another takes over when it is gone."""

    def __init__(
        self,
        *,
        guard: LeaderLock,
        leases: LeaseStore,
        sessions: SessionStore,
        workers: WorkerStore,
        events: EventStore,
        transcripts: TranscriptStore,
        rooms: Rooms,
        terms: DispatchTimeouts,
        interval: float,
        clock: Clock = MACHINE,
    ) -> None:
        self._guard = guard
        self._leases = leases
        self._sessions = sessions
        self._workers = workers
        self._events = events
        self._transcripts = transcripts
        self._rooms = rooms
        self._terms = terms
        self._interval = interval
        self._clock = clock
        self._watch: DispatchRules | None = None
        self._nudged = asyncio.Event()
        self._rooms_at = 0.0
        self._swept_at = -SWEEP_EVERY
        self._doing: dict[str, asyncio.Task[None]] = {}  # beside the looks, by what it is about
        # Sessions that were given up, whose rooms are still to be closed, and until when that is tried.
        self._owed: dict[str, tuple[Session, float]] = {}
        self._without_database = OutageLog(logger, "watcher: what lives is not known")
        self._without_livekit = OutageLog(logger, "watcher: who is in the rooms is not known")

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            while True:
                try:
                    await self._turn()
                    self._without_database.over()
                except StoreUnavailable as error:
                    self._without_database.failed(error)
                    self._watch = None  # nobody is to be judged by what went on meanwhile
                except Exception:
                    logger.exception("watcher: this look failed, the next one comes")
                    self._watch = None
                await self._pause()
        finally:
            for task in self._doing.values():
                task.cancel()

    def nudge(self) -> None:
        """Something has happened: look now."""
        self._rooms_at = 0.0
        self._nudged.set()

    def _begin(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do it beside the looks, unless it is still being done."""
        if what not in self._doing:
            task = asyncio.create_task(self._do(what, work))
            self._doing[what] = task
            task.add_done_callback(lambda _: self._doing.pop(what))

    async def _do(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except (StoreUnavailable, LiveKitUnavailable) as error:
            logger.warning("watcher: %s: %s", what, error)
        except Exception:
            logger.exception("watcher: %s failed", what)

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._interval):
                await self._nudged.wait()
        except TimeoutError:
            return
        # Thousands of nudges at once are one look.
        await asyncio.sleep(SHORTEST_PAUSE)
        self._nudged.clear()

    async def _turn(self) -> None:
        if not await self._guard.acquire():
            self._watch = None
            return
        if self._watch is None:
            logger.info("this process watches the sessions")
            self._watch = DispatchRules(self._terms)
        now = self._clock.steady()
        if now - self._swept_at >= SWEEP_EVERY:
            self._swept_at = now
            self._begin("housekeeping", partial(self._sweep, self._watch))
        await self._look(self._watch)

    async def _look(self, watch: DispatchRules) -> None:
        live = await self._leases.live()
        workers = await self._workers.all()
        now = self._clock.steady()
        for action in watch.look(now, live, workers, busy=self._doing.keys()):
            self._begin(action.live.session.session_id, partial(self._act, watch, action))
        if now - self._rooms_at >= ROOMS_EVERY:
            self._rooms_at = now
            self._begin("rooms", partial(self._see_rooms, watch))

    async def _act(self, watch: DispatchRules, action: Action) -> None:
        try:
            await self._take(watch, action)
        except StoreUnavailable as error:
            logger.warning("watcher: %s", error)
            self._watch = None  # heartbeats may not have been written either

    async def _take(self, watch: DispatchRules, action: Action) -> None:
        session = action.live.session
        where = {"session": session.session_id, "room": session.room_name}
        if isinstance(action, ExpireLease):
            if await self._leases.expire(action.live, action.why):
                logger.warning("agent lost: %s", action.why, extra=where)
                self._nudged.set()
        elif isinstance(action, GiveUp):
            await self._give_up(action.live, action.reason)
        elif isinstance(action, CheckForCaller):
            try:
                await self._seek(watch, action.live)
            except LiveKitUnavailable as error:
                logger.warning("not known whether anybody waits: %s", error)
        else:
            await self._ask(watch, action)

    async def _seek(self, watch: DispatchRules, live: LiveSession) -> bool:
        somebody = bool(await self._rooms.count_callers(live.session.room_name))
        watch.waits(self._clock.steady(), live, somebody=somebody)
        return somebody

    async def _ask(self, watch: DispatchRules, action: Redispatch) -> None:
        live, session = action.live, action.live.session
        try:
            if action.for_caller and not await self._seek(watch, live):
                return
            if not await self._leases.record_dispatch(live, action.why):
                return
            logger.info(
                "asking for an agent again: %s",
                action.why,
                extra={"session": session.session_id, "room": session.room_name},
            )
            await self._rooms.redispatch(session, live.variables, live.dispatches + 1)
        except LiveKitUnavailable as error:
            # The deadline goes on; the next look tries again.
            logger.warning("no agent can be asked for: %s", error)

    async def _give_up(self, live: LiveSession, reason: str) -> None:
        session = live.session
        if not await self._sessions.give_up(live, reason):
            return  # an agent came after all
        logger.warning(
            "session given up: %s",
            reason,
            extra={"session": session.session_id, "room": session.room_name},
        )
        self._owed[session.session_id] = session, self._clock.steady() + OWED_FOR
        await self._close(session)

    async def _close(self, session: Session) -> None:
        """Whoever waits there must not go on waiting; a call of another session goes on."""
        try:
            await self._rooms.remove_agent(session)
            if session.has_room_of_its_own or ROOM_PATTERN.fullmatch(session.room_name):
                live = await self._leases.live()
                if all(one.session.room_name != session.room_name for one in live):
                    await self._rooms.close_room(session.room_name)
        except (LiveKitUnavailable, StoreUnavailable) as error:
            logger.warning("room %s not closed yet: %s", session.room_name, error)
        else:
            self._owed.pop(session.session_id, None)

    async def _close_owed(self, occupied: Container[str]) -> None:
        """What could not be closed when its session was given up."""
        for session, until in list(self._owed.values()):
            if self._clock.steady() > until:
                del self._owed[session.session_id]
            elif session.room_name in occupied and session.session_id not in self._doing:
                await self._close(session)

    async def _see_rooms(self, watch: DispatchRules) -> None:
        try:
            occupied = await self._rooms.occupied_rooms()
        except LiveKitUnavailable as error:
            self._without_livekit.failed(error)
            return
        self._without_livekit.over()
        await self._close_owed(occupied)
        # Read after the rooms: a session that came with its room is to be seen.
        live = await self._leases.live()
        for room in watch.unserved(self._clock.steady(), occupied, live):
            # Whoever stays after the end of a call is not waiting for another.
            if await self._sessions.started_since(room, occupied[room] - CLOCKS_DIFFER):
                continue
            if await self._rooms.count_callers(room):
                logger.info("a caller waits without an agent", extra={"room": room})
                await self._rooms.dispatch_automatic(room)

    async def _sweep(self, watch: DispatchRules) -> None:
        now = self._clock.wall()
        for part in (
            self._mend,
            partial(self._bury, watch),
            self._transcripts.clear,
            partial(self._events.clear, now, EVENTS_KEPT),
            partial(self._workers.forget, now, INSTANCES_KEPT),
        ):
            await self._do("housekeeping", part)  # without what fails the rest goes on

    async def _mend(self) -> None:
        for session in await self._sessions.end_orphans():
            logger.warning(
                "session mended: it was %s and nobody's",
                session.status.value,
                extra={"session": session.session_id},
            )

    async def _bury(self, watch: DispatchRules) -> None:
        for name in watch.silent_workers(self._clock.steady()):
            logger.warning("worker %s says nothing any more", name)
            await self._workers.mark_lost(name)
