"""The leases of the live sessions, as worker and watcher change them.

Every change names what it expects to find, and changes nothing otherwise: whoever acts on what it saw
a moment ago, one watcher or two at once, does no harm.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from agent_runtime.domain.errors import SessionHeld, SessionOver
from agent_runtime.domain.lease import EventKind, Holder, LiveSession, Phase
from agent_runtime.domain.session import SessionStatus
from agent_runtime.storage.repositories.events import appended_if
from agent_runtime.storage.repositories.sessions import COLUMNS, session_from
from agent_runtime.storage.schema.own import LiveSessions
from agent_runtime.storage.schema.shared import Sessions
from agent_runtime.storage.sql.database import Database
from agent_runtime.storage.sql.statements import bind, single
from agent_runtime.storage.sql.times import aware

logger = logging.getLogger(__name__)

_LEASE = (
    LiveSessions.phase,
    LiveSessions.holder,
    LiveSessions.worker,
    LiveSessions.beats,
    LiveSessions.dispatches,
    LiveSessions.lost_by,
    LiveSessions.variables,
    LiveSessions.heartbeat_at,
)


class StoredLeases:
    """Implements the port LeaseStore."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._told_of: set[str] = set()  # sessions that cannot be read
        compile_ = database.dialect.compile
        now = bind("now", "timestamp")
        this = LiveSessions.session_id == bind("session_id")
        mine = LiveSessions.holder == bind("job")
        unheld = LiveSessions.holder.is_null()
        just_now = LiveSessions.heartbeat_at == now
        here = mine & (LiveSessions.worker == bind("worker"))
        # LiveKit gives a job to another worker when the first one's line breaks before its yes.
        moved = mine & (LiveSessions.phase == Phase.STARTING.value)
        self._live = compile_(
            Sessions.select(*COLUMNS, *_LEASE)
            .join(LiveSessions, on=(LiveSessions.session_id == Sessions.session_id))
            .order_by(Sessions.started_at, Sessions.session_id)
        )
        self._claim = compile_(
            LiveSessions.update(
                {
                    LiveSessions.holder: bind("job"),
                    LiveSessions.worker: bind("worker"),
                    LiveSessions.phase: Phase.STARTING.value,
                    LiveSessions.heartbeat_at: now,
                    LiveSessions.beats: LiveSessions.beats + 1,
                }
            ).where(this, (unheld & LiveSessions.latest()) | moved)
        )
        self._claimed = compile_(
            appended_if(LiveSessions.select().where(this, mine, just_now), EventKind.CLAIMED)
        )
        self._holder = compile_(
            LiveSessions.select(
                LiveSessions.holder,
                LiveSessions.worker,
                LiveSessions.lost_by,
                LiveSessions.dispatches,
            ).where(this)
        )
        given_back = {
            LiveSessions.holder: None,
            LiveSessions.lost_by: LiveSessions.worker,
            LiveSessions.worker: None,
            LiveSessions.phase: Phase.WAITING.value,
            LiveSessions.heartbeat_at: now,
            LiveSessions.beats: LiveSessions.beats + 1,
        }
        self._release = compile_(LiveSessions.update(given_back).where(this, here))
        self._expire = compile_(
            LiveSessions.update(given_back).where(
                this, mine, LiveSessions.beats == bind("beats", "integer")
            )
        )
        released = LiveSessions.select().where(
            this, unheld, just_now, LiveSessions.phase == Phase.WAITING.value
        )
        self._lost = compile_(appended_if(released, EventKind.LOST))
        self._was_released = compile_(released.select(LiveSessions.session_id))
        self._ask = compile_(
            LiveSessions.update(
                {
                    LiveSessions.phase: Phase.ASKED.value,
                    LiveSessions.dispatches: LiveSessions.dispatches + 1,
                    LiveSessions.numbered: LiveSessions.dispatches + 1,
                    LiveSessions.heartbeat_at: now,
                    LiveSessions.beats: LiveSessions.beats + 1,
                }
            ).where(this, unheld, LiveSessions.dispatches == bind("dispatches", "integer"))
        )
        asked = LiveSessions.select().where(
            this, unheld, just_now, LiveSessions.phase == Phase.ASKED.value
        )
        self._asked = compile_(appended_if(asked, EventKind.ASKED))
        self._was_asked = compile_(asked.select(LiveSessions.session_id))
        self._not_taken = compile_(
            LiveSessions.update(
                {
                    LiveSessions.phase: Phase.WAITING.value,
                    LiveSessions.beats: LiveSessions.beats + 1,
                }
            ).where(this, unheld, LiveSessions.phase == Phase.ASKED.value)
        )

    async def live(self) -> list[LiveSession]:
        """All that live, the oldest first."""
        found = []
        for row in await self._database.look(self._live.bind()):
            try:
                found.append(_live_from(row))
            except ValueError as error:
                self._tell_of(row[0], error)
        return found

    def _tell_of(self, session_id: str, error: ValueError) -> None:
        """Another program has written to it: no other session is to be left alone for that."""
        if session_id not in self._told_of:
            self._told_of.add(session_id)
            logger.warning("session %s cannot be read, and is not watched: %s", session_id, error)

    async def claim(self, session_id: str, holder: Holder) -> int:
        """Take the lease for a job that is about to start; returns how often one was asked for."""
        values = {"session_id": session_id, "job": holder.job, "now": self._database.now()}
        rows = await self._database.write(
            self._claim.bind(**values, worker=holder.worker, dispatch=holder.dispatch),
            self._claimed.bind(**values, detail=f"{holder.job} on {holder.worker}"),
            self._holder.bind(session_id=session_id),
        )
        row = single(rows)
        if row is None:
            raise SessionOver(session_id, SessionStatus.ENDED)
        if row[:2] != (holder.job, holder.worker):
            raise SessionHeld(session_id)
        dispatches: int = row[3]
        return dispatches

    async def release(self, session_id: str, holder: Holder, why: str) -> bool:
        """Give the lease back, or take it from a job that is known to be dead on that worker."""
        values = {"session_id": session_id, "now": self._database.now()}
        return bool(
            await self._database.write(
                self._release.bind(**values, job=holder.job, worker=holder.worker),
                self._lost.bind(**values, detail=why),
                self._was_released.bind(**values),
            )
        )

    async def expire(self, live: LiveSession, why: str) -> bool:
        """Take the lease from a job that has not beaten since `live` was read."""
        if live.holder is None:
            return False
        values = {"session_id": live.session.session_id, "now": self._database.now()}
        return bool(
            await self._database.write(
                self._expire.bind(**values, job=live.holder.job, beats=live.beats),
                self._lost.bind(**values, detail=why),
                self._was_released.bind(**values),
            )
        )

    async def record_dispatch(self, live: LiveSession, why: str) -> bool:
        """Note that an agent is about to be asked for again; False when somebody else did."""
        values = {"session_id": live.session.session_id, "now": self._database.now()}
        return bool(
            await self._database.write(
                self._ask.bind(**values, dispatches=live.dispatches),
                self._asked.bind(**values, detail=why),
                self._was_asked.bind(**values),
            )
        )

    async def lost_by(self, session_id: str) -> str | None:
        """The worker that lost the session last."""
        row = single(await self._database.read(self._holder.bind(session_id=session_id)))
        return None if row is None else row[2]

    async def mark_refused(self, session_id: str) -> None:
        """A worker refused the job: the session waits, unless it is held meanwhile."""
        await self._database.write(self._not_taken.bind(session_id=session_id))


def _live_from(row: tuple[Any, ...]) -> LiveSession:
    phase, holder, worker, beats, dispatches, lost_by, variables, heartbeat_at = row[len(COLUMNS) :]
    return LiveSession(
        session=session_from(row[: len(COLUMNS)]),
        phase=Phase(phase),
        holder=None if holder is None else Holder(holder, worker or ""),
        beats=beats,
        dispatches=dispatches,
        lost_by=lost_by,
        variables=json.loads(variables) if variables else {},
        heartbeat_at=aware(heartbeat_at),
    )
