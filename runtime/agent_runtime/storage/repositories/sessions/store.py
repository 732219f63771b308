"""The repository of sessions: creating and ending them, and what happens to them in between."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import peewee
from peewee import fn

from agent_runtime.domain.errors import RoomTaken, SessionHeld, SessionNotFound, SessionOver
from agent_runtime.domain.lease import EventKind, Holder, Holding, Phase
from agent_runtime.domain.session import LIVE, Session, SessionStatus
from agent_runtime.storage.repositories.events import appended_if
from agent_runtime.storage.repositories.live import MINE, THIS_LIVE, UNHELD, is_latest_dispatch
from agent_runtime.storage.repositories.sessions.creation import SessionCreation
from agent_runtime.storage.repositories.sessions.ends import SessionEnds
from agent_runtime.storage.repositories.sessions.rows import (
    AGENT_VERSION,
    COLUMNS,
    NOW,
    THIS,
    session_from,
)
from agent_runtime.storage.schema.runtime import LiveSessions
from agent_runtime.storage.schema.shared.sessions import RuntimeInstances, Sessions
from agent_runtime.storage.sql.compiled import CompiledOnce
from agent_runtime.storage.sql.database import DuplicateError
from agent_runtime.storage.sql.dialects import merged_json
from agent_runtime.storage.sql.statements import bind, single


class StoredSessions(SessionCreation, SessionEnds):
    """Implements the port SessionStore."""

    _hold = CompiledOnce(
        lambda: LiveSessions.update(
            {
                LiveSessions.claimed_room: LiveSessions.room_name,
                LiveSessions.heartbeat_at: NOW,
                LiveSessions.phase: Phase.TALKING.value,
                LiveSessions.holder: bind("job"),
                LiveSessions.worker: bind("worker"),
                LiveSessions.beats: LiveSessions.beats + 1,
            }
        ).where(THIS_LIVE, MINE | (UNHELD & is_latest_dispatch()))
    )

    _activate = CompiledOnce(lambda: _active({}))
    _activate_version = CompiledOnce(
        lambda: _active({Sessions.metadata: merged_json(Sessions.metadata, bind("metadata"))})
    )

    _talking = CompiledOnce(
        lambda: appended_if(
            LiveSessions.select().where(THIS_LIVE, MINE, LiveSessions.heartbeat_at == NOW),
            EventKind.TALKING,
        )
    )

    async def activate(
        self, session_id: str, holder: Holder, agent_version: int | None = None
    ) -> Session:
        """Take the lease and the room, and set the session active."""
        values = {"session_id": session_id, "now": self._database.now(), "job": holder.job}
        values["worker"] = holder.worker
        activation = (
            self._activate.bind(**values)
            if agent_version is None
            else self._activate_version.bind(
                **values, metadata=json.dumps({AGENT_VERSION: agent_version})
            )
        )
        try:
            rows = await self._database.write(
                self._hold.bind(**values, dispatch=holder.dispatch),
                activation,
                self._talking.bind(**values, detail=f"{holder.job} on {holder.worker}"),
                self._get.bind(session_id=session_id),
            )
        except DuplicateError as error:
            session = await self.get(session_id)
            raise RoomTaken(session.room_name if session else "") from error
        if not rows:
            raise SessionNotFound(session_id)
        session = session_from(rows[0])
        if session.status.is_final:
            raise SessionOver(session_id, session.status)
        if await self.holder(session_id) != holder.job:
            raise SessionHeld(session_id)
        return session

    _holder = CompiledOnce(lambda: LiveSessions.select(LiveSessions.holder).where(THIS_LIVE))

    async def holder(self, session_id: str) -> str | None:
        """The job that holds the session; None when no job does, or when the session is over."""
        row = single(await self._database.read(self._holder.bind(session_id=session_id)))
        return None if row is None else row[0]

    _heartbeat = CompiledOnce(
        lambda: LiveSessions.update(
            {LiveSessions.heartbeat_at: NOW, LiveSessions.beats: LiveSessions.beats + 1}
        ).where(THIS_LIVE, MINE)
    )

    async def heartbeat(self, session_id: str, holder: Holder) -> Holding:
        """Write the heartbeat of `holder`, and return who holds the session."""
        values = {"session_id": session_id, "job": holder.job}
        rows = await self._database.write(
            self._heartbeat.bind(**values, now=self._database.now()),
            self._holder.bind(session_id=session_id),
        )
        if not rows:
            return Holding.OVER
        if rows[0][0] is None:
            return Holding.FREE
        return Holding.OURS if rows[0][0] == holder.job else Holding.THEIRS

    _set_participant_count = CompiledOnce(
        lambda: Sessions.update(
            {
                Sessions.participant_count: bind("participant_count", "integer"),
                Sessions.updated_at: NOW,
            }
        ).where(THIS, Sessions.status.in_(sorted(LIVE)))
    )

    async def set_participant_count(self, session_id: str, count: int) -> None:
        """Write how many participants are in the room."""
        await self._database.write(
            self._set_participant_count.bind(
                session_id=session_id, now=self._database.now(), participant_count=count
            )
        )

    _live = CompiledOnce(
        lambda: Sessions.select(*COLUMNS).join(
            LiveSessions, on=(LiveSessions.session_id == Sessions.session_id)
        )
    )

    async def live_sessions(self) -> list[Session]:
        """All sessions that hold a place."""
        return [session_from(row) for row in await self._database.scan(self._live.bind())]

    _others_in = CompiledOnce(
        lambda: (
            Sessions.select(Sessions.session_id)
            .join(LiveSessions, on=(LiveSessions.session_id == Sessions.session_id))
            .where(
                LiveSessions.room_name == bind("room_name"),
                Sessions.tenant_id != bind("tenant_id", "integer"),
            )
            .limit(1)
        )
    )

    async def is_room_of_others(self, room_name: str, tenant_id: int) -> bool:
        """Whether a live session of another tenant is in the room. Reads the few rows of live sessions."""
        step = self._others_in.bind(room_name=room_name, tenant_id=tenant_id)
        return bool(await self._database.read_live(step))

    _ended_in = CompiledOnce(
        lambda: (
            Sessions.select(*COLUMNS)
            .where(Sessions.room_name == bind("room_name"), Sessions.ended_at >= NOW)
            .order_by(Sessions.ended_at.desc())
            .limit(1)
        )
    )

    async def last_ended(self, room_name: str, moment: datetime) -> Session | None:
        """The room's session that ended last since then. Scans all rows: for the few rooms that need it."""
        since = self._database.moment(moment)
        rows = await self._database.scan(self._ended_in.bind(room_name=room_name, now=since))
        return session_from(rows[0]) if rows else None


def _active(more: Mapping[Any, Any]) -> peewee.Node:
    """UPDATE of the session that the job holds to active, with `more` columns.

    The reference to the worker's own row is null when the worker has none.
    """
    return Sessions.update(
        {
            Sessions.status: SessionStatus.ACTIVE.value,
            Sessions.runtime_instance: RuntimeInstances.select(RuntimeInstances.id).where(
                RuntimeInstances.pod_name == bind("worker")
            ),
            Sessions.updated_at: NOW,
            **more,
        }
    ).where(
        THIS,
        Sessions.status.in_(sorted(LIVE)),
        fn.EXISTS(LiveSessions.select().where(THIS_LIVE, MINE)),
    )
