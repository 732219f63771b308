"""The leases of the live sessions, as workers and the session supervisor change them.

Each change names the state that it expects and changes nothing in any other. So a caller that acts on
what it read a moment ago does no harm, and neither do two supervisors at once.
"""

from __future__ import annotations

import logging
from typing import Any, Final

import peewee

from agent_runtime.domain.errors import SessionHeld, SessionOver
from agent_runtime.domain.job import JobOrder, JobTarget
from agent_runtime.domain.lease import EventKind, Holder, LiveSession, Phase
from agent_runtime.domain.session import SessionStatus
from agent_runtime.secrecy.keyring import Keyring
from agent_runtime.storage.repositories.events import appended_if
from agent_runtime.storage.repositories.lease_rows import live_from, opened
from agent_runtime.storage.repositories.live import (
    HERE,
    MINE,
    THIS_LIVE,
    UNHELD,
    is_latest_dispatch,
)
from agent_runtime.storage.repositories.sealed.variables import read
from agent_runtime.storage.repositories.sessions.rows import COLUMNS, NOW
from agent_runtime.storage.repositories.store import Store
from agent_runtime.storage.schema.runtime import LiveSessions
from agent_runtime.storage.schema.shared.sessions import Sessions
from agent_runtime.storage.sql.compiled import CompiledOnce
from agent_runtime.storage.sql.database import Database
from agent_runtime.storage.sql.statements import Statement, Step, bind, single

logger = logging.getLogger(__name__)

_LEASE: Final = (
    LiveSessions.phase,
    LiveSessions.holder,
    LiveSessions.worker,
    LiveSessions.beats,
    LiveSessions.dispatches,
    LiveSessions.lost_by,
    LiveSessions.variables,
    LiveSessions.heartbeat_at,
    LiveSessions.words_key,
)

_CHANGED_NOW: Final = LiveSessions.heartbeat_at == NOW
# What every change of hands writes.
_BEAT: Final[dict[peewee.Field[Any], Any]] = {
    LiveSessions.heartbeat_at: NOW,
    LiveSessions.beats: LiveSessions.beats + 1,
}
_GIVEN_BACK: Final[dict[peewee.Field[Any], Any]] = {
    LiveSessions.holder: None,
    LiveSessions.lost_by: LiveSessions.worker,
    LiveSessions.worker: None,
    LiveSessions.phase: Phase.WAITING.value,
    **_BEAT,
}


def _live_rows() -> peewee.ModelSelect[Sessions]:
    """The live sessions with their leases, the oldest first."""
    return (
        Sessions.select(*COLUMNS, *_LEASE)
        .join(LiveSessions, on=(LiveSessions.session_id == Sessions.session_id))
        .order_by(Sessions.started_at, Sessions.session_id)
    )


def _rows_in_room() -> peewee.ModelSelect[LiveSessions]:
    return LiveSessions.select(LiveSessions.session_id).where(
        LiveSessions.room_name == bind("room_name")
    )


class StoredLeases(Store):
    """Implements the port LeaseStore."""

    def __init__(
        self, database: Database, namespace: str | None = None, keyring: Keyring | None = None
    ) -> None:
        """Only the sessions of `namespace`, and those without one, are known to `live`; None knows all."""
        super().__init__(database)
        self._keyring = keyring or Keyring()
        self._namespace = namespace
        self._unreadable: set[str] = set()  # ids of sessions that were logged as unreadable
        # The rows of the last `live` by their ids: most are the same a moment later, and need no parsing.
        self._last: dict[str, tuple[tuple[Any, ...], LiveSession]] = {}

    _live = CompiledOnce(_live_rows)
    _live_here = CompiledOnce(lambda: _live_rows().where(HERE))

    async def live(self) -> list[LiveSession]:
        """All live sessions, the oldest first."""
        found: dict[str, tuple[tuple[Any, ...], LiveSession]] = {}
        for row in await self._database.read_live(self._of_here(self._live_here, self._live)):
            last = self._last.get(row[0])
            if last is not None and last[0] == row:
                found[row[0]] = last
                continue
            try:
                found[row[0]] = row, live_from(row, self._keyring)
            except ValueError as error:
                self._log_unreadable(row[0], error)
        self._last = found
        return [one for _, one in found.values()]

    def _of_here(self, here: Statement, everywhere: Statement, **values: Any) -> Step:
        if self._namespace is None:
            return everywhere.bind(**values)
        return here.bind(namespace=self._namespace, **values)

    _in_room = CompiledOnce(lambda: _rows_in_room().limit(1))
    _in_room_here = CompiledOnce(lambda: _rows_in_room().where(HERE).limit(1))

    async def is_live(self, room_name: str) -> bool:
        """Whether a live session is in this room."""
        step = self._of_here(self._in_room_here, self._in_room, room_name=room_name)
        return bool(await self._database.read(step))

    def _log_unreadable(self, session_id: str, error: ValueError) -> None:
        """Log once a row that another program has written; the other sessions are still read."""
        if session_id not in self._unreadable:
            self._unreadable.add(session_id)
            logger.warning(
                "session %s cannot be read, and is not supervised: %s", session_id, error
            )

    # LiveKit moves a job to another worker when the first one loses its connection before it accepts:
    # the same job may then claim again for that worker.
    _claim = CompiledOnce(
        lambda: LiveSessions.update(
            {
                LiveSessions.holder: bind("job"),
                LiveSessions.worker: bind("worker"),
                LiveSessions.phase: Phase.STARTING.value,
                **_BEAT,
            }
        ).where(
            THIS_LIVE,
            (UNHELD & is_latest_dispatch()) | (MINE & (LiveSessions.phase == Phase.STARTING.value)),
        )
    )

    _claimed = CompiledOnce(
        lambda: appended_if(
            LiveSessions.select().where(THIS_LIVE, MINE, _CHANGED_NOW), EventKind.CLAIMED
        )
    )

    _holder = CompiledOnce(
        lambda: LiveSessions.select(
            LiveSessions.holder,
            LiveSessions.worker,
            LiveSessions.lost_by,
            LiveSessions.dispatches,
        ).where(THIS_LIVE)
    )

    async def claim(self, session_id: str, holder: Holder) -> int:
        """Take the lease for a job that is about to start; returns the number of dispatches so far."""
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

    _order = CompiledOnce(
        lambda: (
            LiveSessions.select(
                LiveSessions.room_name,
                LiveSessions.agent_id,
                Sessions.tenant_id,
                LiveSessions.variables,
                LiveSessions.dispatches,
                LiveSessions.words_key,
            )
            .join(Sessions, on=(LiveSessions.session_id == Sessions.session_id))
            .where(THIS_LIVE, UNHELD)
        )
    )

    async def order(self, session_id: str) -> JobOrder | None:
        """Room and metadata of the session's last dispatch, unless some job holds it."""
        row = single(await self._database.read(self._order.bind(session_id=session_id)))
        if row is None:
            return None
        room_name, agent_id, tenant_id, variables, dispatch, key = row
        given = read(opened(variables, key, session_id), self._keyring, session_id)
        target = JobTarget(agent_id, session_id, tenant_id, given, dispatch)
        return JobOrder(room_name, target.to_metadata())

    _release = CompiledOnce(
        lambda: LiveSessions.update(_GIVEN_BACK).where(
            THIS_LIVE, MINE & (LiveSessions.worker == bind("worker"))
        )
    )

    _lost = CompiledOnce(lambda: appended_if(_released(), EventKind.LOST))
    _was_released = CompiledOnce(lambda: _released().select(LiveSessions.session_id))

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

    _expire = CompiledOnce(
        lambda: LiveSessions.update(_GIVEN_BACK).where(
            THIS_LIVE, MINE, LiveSessions.beats == bind("beats", "integer")
        )
    )

    async def expire(self, live: LiveSession, why: str) -> bool:
        """Take the lease from a job that has sent no heartbeat since `live` was read."""
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

    _record_dispatch = CompiledOnce(
        lambda: LiveSessions.update(
            {
                LiveSessions.phase: Phase.ASKED.value,
                LiveSessions.dispatches: LiveSessions.dispatches + 1,
                LiveSessions.numbered: LiveSessions.dispatches + 1,
                **_BEAT,
            }
        ).where(THIS_LIVE, UNHELD, LiveSessions.dispatches == bind("dispatches", "integer"))
    )

    _asked = CompiledOnce(lambda: appended_if(_asked_now(), EventKind.ASKED))
    _was_asked = CompiledOnce(lambda: _asked_now().select(LiveSessions.session_id))

    async def record_dispatch(self, live: LiveSession, why: str) -> bool:
        """Record another dispatch before it is made; False when another process recorded it."""
        values = {"session_id": live.session.session_id, "now": self._database.now()}
        return bool(
            await self._database.write(
                self._record_dispatch.bind(**values, dispatches=live.dispatches),
                self._asked.bind(**values, detail=why),
                self._was_asked.bind(**values),
            )
        )

    async def lost_by(self, session_id: str) -> str | None:
        """The worker that lost the session last; None when no worker has."""
        row = single(await self._database.read(self._holder.bind(session_id=session_id)))
        return None if row is None else row[2]

    _mark_refused = CompiledOnce(
        lambda: LiveSessions.update(
            {LiveSessions.phase: Phase.WAITING.value, LiveSessions.beats: LiveSessions.beats + 1}
        ).where(THIS_LIVE, UNHELD, LiveSessions.phase == Phase.ASKED.value)
    )

    async def mark_refused(self, session_id: str) -> None:
        """Set a session whose job a worker has refused to waiting, unless a job holds it by now."""
        await self._database.write(self._mark_refused.bind(session_id=session_id))


def _released() -> peewee.ModelSelect[LiveSessions]:
    """The live row if this transaction has released it."""
    return LiveSessions.select().where(
        THIS_LIVE, UNHELD, _CHANGED_NOW, LiveSessions.phase == Phase.WAITING.value
    )


def _asked_now() -> peewee.ModelSelect[LiveSessions]:
    """The live row if this transaction has recorded a dispatch."""
    return LiveSessions.select().where(
        THIS_LIVE, UNHELD, _CHANGED_NOW, LiveSessions.phase == Phase.ASKED.value
    )
