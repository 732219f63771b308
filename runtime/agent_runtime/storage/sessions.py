"""Sessions: the shared table is the truth, our table of live ones holds capacity and rooms."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import peewee
from peewee import fn

from agent_runtime.domain.errors import (
    AgentAtCapacity,
    AgentNotRegistered,
    RoomTaken,
    SessionNotFound,
    SessionOver,
)
from agent_runtime.domain.session import LIVE, Session, SessionStatus, may_become
from agent_runtime.storage.database import Database, DuplicateError, can_be_stored
from agent_runtime.storage.own_tables import LiveSessions, Registrations
from agent_runtime.storage.statements import Dialect, Statement, bind, single
from agent_runtime.storage.tables import Sessions

_COLUMNS = (
    Sessions.session_id,
    Sessions.agent_id,
    Sessions.tenant_id,
    Sessions.room_name,
    Sessions.status,
    Sessions.started_at,
    Sessions.ended_at,
    Sessions.duration_seconds,
    Sessions.participant_count,
    Sessions.metadata,
)


def ended_with(dialect: Dialect) -> dict[peewee.Field[Any], Any]:
    """What ending changes in a session's row; binds `status`, `now` and `metadata`."""
    now = bind("now", "timestamp")
    return {
        Sessions.status: bind("status"),
        Sessions.ended_at: now,
        Sessions.duration_seconds: dialect.elapsed_seconds(Sessions.started_at, now),
        Sessions.participant_count: 0,
        Sessions.metadata: dialect.merged_json(Sessions.metadata, bind("metadata")),
        Sessions.updated_at: now,
    }


class StoredSessions:
    """Implements the port SessionStore."""

    def __init__(self, database: Database) -> None:
        self._database = database
        compile_ = database.dialect.compile
        this = Sessions.session_id == bind("session_id")
        this_live = LiveSessions.session_id == bind("session_id")
        now = bind("now", "timestamp")
        self._take_place = compile_(self._place_in(Registrations.max_sessions, registered=True))
        self._take_place_within = compile_(
            self._place_in(bind("limit", "integer"), registered=False)
        )
        self._insert = compile_(self._insertion())
        self._limit = compile_(
            Registrations.select(Registrations.max_sessions).where(
                Registrations.agent_id == bind("agent_id", "integer")
            )
        )
        self._get = compile_(Sessions.select(*_COLUMNS).where(this))
        self._claim = compile_(
            LiveSessions.update(
                {LiveSessions.claimed_room: LiveSessions.room_name, LiveSessions.heartbeat_at: now}
            ).where(this_live)
        )
        self._activate = compile_(
            Sessions.update(
                {Sessions.status: SessionStatus.ACTIVE.value, Sessions.updated_at: now}
            ).where(this, Sessions.status.in_(sorted(may_become(SessionStatus.ACTIVE))))
        )
        self._free = compile_(LiveSessions.delete().where(this_live))
        self._finish: dict[SessionStatus, Statement] = {
            status: compile_(
                Sessions.update(ended_with(database.dialect)).where(
                    this, Sessions.status.in_(sorted(may_become(status)))
                )
            )
            for status in (SessionStatus.ENDED, SessionStatus.ERROR)
        }
        self._beat = compile_(
            LiveSessions.update({LiveSessions.heartbeat_at: now}).where(this_live)
        )
        self._count_participants = compile_(
            Sessions.update(
                {
                    Sessions.participant_count: bind("participant_count", "integer"),
                    Sessions.updated_at: now,
                }
            ).where(this, Sessions.status.in_(sorted(LIVE)))
        )
        self._status = compile_(Sessions.select(Sessions.status).where(this))
        self._live = compile_(
            Sessions.select(*_COLUMNS).join(
                LiveSessions, on=(LiveSessions.session_id == Sessions.session_id)
            )
        )

    @staticmethod
    def _place_in(limit: peewee.Node, *, registered: bool) -> peewee.Node:
        """INSERT of the live row, if the agent (registered, when asked) holds fewer than `limit`."""
        agent_id = bind("agent_id", "integer")
        held = LiveSessions.select(fn.COUNT(LiveSessions.session_id)).where(
            LiveSessions.agent_id == agent_id
        )
        values = (
            bind("session_id"),
            agent_id,
            bind("room_name"),
            bind("now", "timestamp"),
        )
        has_room = peewee.Expression(held, "<", limit)
        source: peewee.Select
        if registered:
            source = Registrations.select(*values).where(
                Registrations.agent_id == agent_id, has_room
            )
        else:
            source = peewee.Select(columns=values).where(has_room)
        return LiveSessions.insert_from(
            source,
            [
                LiveSessions.session_id,
                LiveSessions.agent_id,
                LiveSessions.room_name,
                LiveSessions.heartbeat_at,
            ],
        )

    @staticmethod
    def _insertion() -> peewee.Node:
        """INSERT of the session's row, if the live row was."""
        now = bind("now", "timestamp")
        columns = {
            Sessions.session_id: bind("session_id"),
            Sessions.agent_id: bind("agent_id", "integer"),
            Sessions.tenant_id: bind("tenant_id", "integer"),
            Sessions.room_name: bind("room_name"),
            Sessions.status: bind("status"),
            Sessions.started_at: now,
            Sessions.metadata: bind("metadata", "json"),
            Sessions.created_at: now,
            Sessions.updated_at: now,
        }
        taken = LiveSessions.select(*columns.values()).where(
            LiveSessions.session_id == bind("session_id")
        )
        return Sessions.insert_from(taken, list(columns)).returning(Sessions.session_id)

    async def create(self, session: Session) -> None:
        """Place and row in one transaction; the follow-up read only says why there was no place."""
        if await self._create(session, self._take_place):
            return
        row = single(await self._database.read(self._limit.bind(agent_id=session.agent_id)))
        if row is None:
            raise AgentNotRegistered(session.agent_id)
        raise AgentAtCapacity(session.agent_id, row[0])

    async def create_automatic(self, session: Session, limit: int) -> None:
        """The same within a given limit."""
        if not await self._create(session, self._take_place_within, limit=limit):
            raise AgentAtCapacity(session.agent_id, limit)

    async def _create(self, session: Session, take_place: Statement, **limit: int) -> bool:
        metadata = {"participantName": session.participant_name} if session.participant_name else {}
        values = {
            "session_id": session.session_id,
            "agent_id": session.agent_id,
            "tenant_id": session.tenant_id,
            "room_name": session.room_name,
            "status": session.status.value,
            "now": self._database.moment(session.started_at),
            "metadata": json.dumps(metadata),
        }
        made = await self._database.write(
            *self._database.lock(session.agent_id),
            take_place.bind(**values, **limit),
            self._insert.bind(**values),
        )
        return bool(made)

    async def get(self, session_id: str) -> Session | None:
        """The session, or None."""
        if not can_be_stored(session_id):
            return None
        row = single(await self._database.read(self._get.bind(session_id=session_id)))
        return None if row is None else _session(row)

    async def activate(self, session_id: str) -> Session:
        """Claim the room and become active."""
        now = self._now()
        try:
            rows = await self._database.write(
                self._claim.bind(session_id=session_id, now=now),
                self._activate.bind(session_id=session_id, now=now),
                self._get.bind(session_id=session_id),
            )
        except DuplicateError as error:
            session = await self.get(session_id)
            raise RoomTaken(session.room_name if session else "") from error
        if not rows:
            raise SessionNotFound(session_id)
        session = _session(rows[0])
        if session.status.is_final:
            raise SessionOver(session_id, session.status)
        return session

    async def finish(
        self, session_id: str, status: SessionStatus, reason: str | None = None
    ) -> Session | None:
        """End it if it lives; its place and its room are free with the same commit."""
        if not can_be_stored(session_id):
            return None
        rows = await self._database.write(
            self._free.bind(session_id=session_id),
            self._finish[status].bind(
                session_id=session_id,
                status=status.value,
                now=self._now(),
                metadata=json.dumps({"reason": reason} if reason else {}),
            ),
            self._get.bind(session_id=session_id),
        )
        return _session(rows[0]) if rows else None

    async def touch(self, session_id: str, participant_count: int) -> SessionStatus | None:
        """Heartbeat."""
        now = self._now()
        rows = await self._database.write(
            self._beat.bind(session_id=session_id, now=now),
            self._count_participants.bind(
                session_id=session_id, now=now, participant_count=participant_count
            ),
            self._status.bind(session_id=session_id),
        )
        return SessionStatus(rows[0][0]) if rows else None

    async def live_sessions(self) -> list[Session]:
        """All that hold a place."""
        return [_session(row) for row in await self._database.scan(self._live.bind())]

    def _now(self) -> Any:
        return self._database.moment(datetime.now(UTC))


def _session(row: tuple[Any, ...]) -> Session:
    (
        session_id,
        agent_id,
        tenant_id,
        room_name,
        status,
        started_at,
        ended_at,
        duration,
        count,
        metadata,
    ) = row
    details = json.loads(metadata) if isinstance(metadata, str) else metadata
    if not isinstance(details, dict):
        details = {}  # nothing, or another program's list
    return Session(
        session_id=session_id,
        agent_id=agent_id,
        tenant_id=tenant_id,
        room_name=room_name,
        status=SessionStatus(status),
        started_at=_aware(started_at),
        ended_at=None if ended_at is None else _aware(ended_at),
        duration_seconds=duration,
        participant_count=count or 0,
        reason=details.get("reason"),
        participant_name=details.get("participantName"),
    )


def _aware(moment: datetime | str) -> datetime:
    """SQLite hands out text, PostgreSQL naive times; both are UTC."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return moment.replace(tzinfo=UTC)
