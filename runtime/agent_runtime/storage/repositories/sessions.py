"""Sessions: the shared table is the truth, our table of live ones holds capacity and rooms."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import peewee
from peewee import fn

from agent_runtime.domain.errors import (
    AgentAtCapacity,
    AgentNotRegistered,
    RoomTaken,
    SessionHeld,
    SessionNotFound,
    SessionOver,
)
from agent_runtime.domain.job import AUTOMATIC
from agent_runtime.domain.lease import EventKind, Holder, Holding, LiveSession, Phase
from agent_runtime.domain.session import LIVE, Session, SessionStatus, may_become
from agent_runtime.storage.repositories.events import appended_if
from agent_runtime.storage.schema.own import LiveSessions, Registrations, Utterances
from agent_runtime.storage.schema.shared import RuntimeInstances, Sessions
from agent_runtime.storage.sql.database import Database, DuplicateError, can_be_stored
from agent_runtime.storage.sql.statements import Dialect, Statement, Step, bind, single
from agent_runtime.storage.sql.times import aware

COLUMNS = (
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


_FINAL = {
    SessionStatus.ENDED: EventKind.ENDED,
    SessionStatus.ERROR: EventKind.ERROR,
}


def _instance_named(name: str) -> peewee.Node:
    """The id of the worker's own row; null when it has none."""
    return RuntimeInstances.select(RuntimeInstances.id).where(
        RuntimeInstances.pod_name == bind(name)
    )


def ended_with(dialect: Dialect) -> dict[peewee.Field[Any], Any]:
    """What ending changes in a session's row; binds `status`, `now` and `metadata`."""
    now = bind("now", "timestamp")
    # The clock of another machine, or one that was set back, must not end what has not begun.
    end = dialect.later(now, Sessions.started_at)
    return {
        Sessions.status: bind("status"),
        Sessions.ended_at: end,
        Sessions.duration_seconds: dialect.elapsed_seconds(Sessions.started_at, end),
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
        self._created = compile_(
            appended_if(LiveSessions.select().where(this_live), EventKind.CREATED)
        )
        self._limit = compile_(
            Registrations.select(Registrations.max_sessions).where(
                Registrations.agent_id == bind("agent_id", "integer")
            )
        )
        self._get = compile_(Sessions.select(*COLUMNS).where(this))
        mine = LiveSessions.holder == bind("job")
        unheld = LiveSessions.holder.is_null()
        self._hold = compile_(
            LiveSessions.update(
                {
                    LiveSessions.claimed_room: LiveSessions.room_name,
                    LiveSessions.heartbeat_at: now,
                    LiveSessions.phase: Phase.TALKING.value,
                    LiveSessions.holder: bind("job"),
                    LiveSessions.worker: bind("worker"),
                    LiveSessions.beats: LiveSessions.beats + 1,
                }
            ).where(this_live, mine | (unheld & LiveSessions.latest()))
        )
        held = LiveSessions.select().where(this_live, mine)
        self._activate = compile_(
            Sessions.update(
                {
                    Sessions.status: SessionStatus.ACTIVE.value,
                    Sessions.runtime_instance: _instance_named("worker"),
                    Sessions.updated_at: now,
                }
            ).where(
                this,
                Sessions.status.in_(sorted(LIVE)),
                fn.EXISTS(held),
            )
        )
        self._talking = compile_(
            appended_if(
                LiveSessions.select().where(this_live, mine, LiveSessions.heartbeat_at == now),
                EventKind.TALKING,
            )
        )
        self._holder = compile_(LiveSessions.select(LiveSessions.holder).where(this_live))
        self._free = compile_(LiveSessions.delete().where(this_live))
        unchanged = LiveSessions.beats == bind("beats", "integer")
        self._free_unheld = compile_(LiveSessions.delete().where(this_live, unheld, unchanged))
        # Before anybody had it, whoever was to have it may say that it cannot be; not afterwards.
        never_held = unheld & LiveSessions.lost_by.is_null() & LiveSessions.latest()
        self._free_own = compile_(LiveSessions.delete().where(this_live, mine | never_held))
        living = LiveSessions.select().where(this_live)
        self._forget_words = compile_(
            Utterances.delete().where(
                Utterances.session_id == bind("session_id"), ~fn.EXISTS(living)
            )
        )
        self._finish: dict[SessionStatus, Statement] = {}
        self._ended: dict[SessionStatus, Statement] = {}
        for status, kind in _FINAL.items():
            self._finish[status] = compile_(
                Sessions.update(ended_with(database.dialect)).where(
                    this, Sessions.status.in_(sorted(may_become(status))), ~fn.EXISTS(living)
                )
            )
            # `now` tells this end from every other: it is written once.
            over = Sessions.select().where(
                this, Sessions.status == status.value, Sessions.updated_at == now
            )
            self._ended[status] = compile_(appended_if(over, kind))
        self._given_up = compile_(
            Sessions.select(Sessions.session_id).where(
                this, Sessions.status == SessionStatus.ERROR.value, Sessions.updated_at == now
            )
        )
        self._beat = compile_(
            LiveSessions.update(
                {LiveSessions.heartbeat_at: now, LiveSessions.beats: LiveSessions.beats + 1}
            ).where(this_live, mine)
        )
        self._count_participants = compile_(
            Sessions.update(
                {
                    Sessions.participant_count: bind("participant_count", "integer"),
                    Sessions.updated_at: now,
                }
            ).where(this, Sessions.status.in_(sorted(LIVE)))
        )
        self._in_room = compile_(
            Sessions.select(Sessions.session_id)
            .where(Sessions.room_name == bind("room_name"), Sessions.started_at >= now)
            .limit(1)
        )
        self._strays = compile_(
            Sessions.select(*COLUMNS).where(
                Sessions.status.in_(sorted(LIVE)),
                ~fn.EXISTS(
                    LiveSessions.select().where(LiveSessions.session_id == Sessions.session_id)
                ),
            )
        )
        self._live = compile_(
            Sessions.select(*COLUMNS).join(
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
            bind("phase"),
            bind("beats", "integer"),
            bind("dispatches", "integer"),
            bind("variables"),
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
                LiveSessions.phase,
                LiveSessions.beats,
                LiveSessions.dispatches,
                LiveSessions.variables,
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
        automatic = {AUTOMATIC: True}
        if not await self._create(session, self._take_place_within, automatic, limit=limit):
            raise AgentAtCapacity(session.agent_id, limit)

    async def _create(
        self,
        session: Session,
        take_place: Statement,
        variables: Mapping[str, Any] | None = None,
        **limit: int,
    ) -> bool:
        metadata = {"participantName": session.participant_name} if session.participant_name else {}
        values = {
            "session_id": session.session_id,
            "agent_id": session.agent_id,
            "tenant_id": session.tenant_id,
            "room_name": session.room_name,
            "status": session.status.value,
            "now": self._database.moment(session.started_at),
            "metadata": json.dumps(metadata),
            "phase": Phase.ASKED.value,
            "beats": 0,
            "dispatches": 1,
            "variables": json.dumps({**metadata, **(variables or {})}),
        }
        made = await self._database.write(
            *self._database.lock(session.agent_id),
            take_place.bind(**values, **limit),
            self._created.bind(**values, detail=f"agent {session.agent_id}"),
            self._insert.bind(**values),
        )
        return bool(made)

    async def get(self, session_id: str) -> Session | None:
        """The session, or None."""
        if not can_be_stored(session_id):
            return None
        row = single(await self._database.read(self._get.bind(session_id=session_id)))
        return None if row is None else session_from(row)

    async def activate(self, session_id: str, holder: Holder) -> Session:
        """Take the lease and the room, become active."""
        values = {"session_id": session_id, "now": self._database.now(), "job": holder.job}
        values["worker"] = holder.worker
        try:
            rows = await self._database.write(
                self._hold.bind(**values, dispatch=holder.dispatch),
                self._activate.bind(**values),
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

    async def holder(self, session_id: str) -> str | None:
        """The job that holds the session; None when none does, or when it is over."""
        row = single(await self._database.read(self._holder.bind(session_id=session_id)))
        return None if row is None else row[0]

    async def finish(
        self,
        session_id: str,
        status: SessionStatus,
        reason: str | None = None,
        *,
        by: Holder | None = None,
    ) -> Session | None:
        """End it if it lives; its place and its room are free with the same commit."""
        if not can_be_stored(session_id):
            return None
        free = self._free if by is None else self._free_own
        whose = {} if by is None else {"job": by.job, "dispatch": by.dispatch}
        rows = await self._database.write(
            free.bind(session_id=session_id, **whose),
            *self._ending(session_id, status, reason, self._database.now()),
            self._get.bind(session_id=session_id),
        )
        return session_from(rows[0]) if rows else None

    async def give_up(self, live: LiveSession, reason: str) -> bool:
        """End it as an error, unless a job has or had it meanwhile; whether it was ended here."""
        session_id, now = live.session.session_id, self._database.now()
        return bool(
            await self._database.write(
                self._free_unheld.bind(session_id=session_id, beats=live.beats),
                *self._ending(session_id, SessionStatus.ERROR, reason, now),
                self._given_up.bind(session_id=session_id, now=now),
            )
        )

    def _ending(
        self, session_id: str, status: SessionStatus, reason: str | None, now: Any
    ) -> tuple[Step, ...]:
        """What ends a session that has no lease any more."""
        values = {"session_id": session_id, "status": status.value, "now": now}
        metadata = json.dumps({"reason": reason} if reason else {})
        return (
            self._finish[status].bind(**values, metadata=metadata),
            self._ended[status].bind(**values, detail=reason or ""),
            self._forget_words.bind(session_id=session_id),
        )

    async def heartbeat(self, session_id: str, holder: Holder) -> Holding:
        """Heartbeat."""
        values = {"session_id": session_id, "job": holder.job}
        rows = await self._database.write(
            self._beat.bind(**values, now=self._database.now()),
            self._holder.bind(session_id=session_id),
        )
        if not rows:
            return Holding.OVER
        if rows[0][0] is None:
            return Holding.FREE
        return Holding.OURS if rows[0][0] == holder.job else Holding.THEIRS

    async def set_participant_count(self, session_id: str, count: int) -> None:
        """Write how many are in the room."""
        await self._database.write(
            self._count_participants.bind(
                session_id=session_id, now=self._database.now(), participant_count=count
            )
        )

    async def live_sessions(self) -> list[Session]:
        """All that hold a place."""
        return [session_from(row) for row in await self._database.scan(self._live.bind())]

    async def started_since(self, room_name: str, moment: datetime) -> bool:
        """Looks at all rows: for the few rooms that need it."""
        since = self._database.moment(moment)
        return bool(await self._database.scan(self._in_room.bind(room_name=room_name, now=since)))

    async def end_orphans(self) -> list[Session]:
        """Those without a live row: every session of ours gets one with its own row, at once."""
        found = [session_from(row) for row in await self._database.scan(self._strays.bind())]
        for session in found:
            await self.finish(session.session_id, SessionStatus.ERROR, "left behind by a crash")
        return found


def session_from(row: tuple[Any, ...]) -> Session:
    """The session of a row of COLUMNS."""
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
        started_at=aware(started_at),
        ended_at=None if ended_at is None else aware(ended_at),
        duration_seconds=duration,
        participant_count=count or 0,
        reason=details.get("reason"),
        participant_name=details.get("participantName"),
    )
