"""The registered agents, and rows of the `agents` table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import peewee
from peewee import EXCLUDED, fn

from agent_runtime.domain.agent import AgentStatus, Registration
from agent_runtime.domain.lease import EventKind
from agent_runtime.domain.session import LIVE, Session, SessionStatus
from agent_runtime.storage.repositories.sessions import StoredSessions, ended_with
from agent_runtime.storage.schema.own import (
    LiveSessions,
    Registrations,
    SessionEvents,
    Utterances,
)
from agent_runtime.storage.schema.shared import Agents, Sessions
from agent_runtime.storage.sql.database import Database
from agent_runtime.storage.sql.statements import bind, single

DELETED = "the agent was deleted"


class RegisteredAgents:
    """Implements the port AgentRegistry."""

    def __init__(self, database: Database, sessions: StoredSessions) -> None:
        self._database = database
        self._sessions = sessions
        compile_ = database.dialect.compile
        agent_id = bind("agent_id", "integer")
        held = LiveSessions.select(fn.COUNT(LiveSessions.session_id)).where(
            LiveSessions.agent_id == agent_id
        )
        now = bind("now", "timestamp")
        self._register = compile_(
            Registrations.insert(
                {
                    Registrations.agent_id: agent_id,
                    Registrations.tenant_id: bind("tenant_id", "integer"),
                    Registrations.config: bind("config"),
                    Registrations.max_sessions: bind("max_sessions", "integer"),
                    Registrations.created_at: now,
                    Registrations.updated_at: now,
                }
            ).on_conflict(
                conflict_target=[Registrations.agent_id],
                update={
                    Registrations.tenant_id: EXCLUDED.tenant_id,
                    Registrations.config: EXCLUDED.config,
                    Registrations.max_sessions: EXCLUDED.max_sessions,
                    Registrations.updated_at: EXCLUDED.updated_at,
                },
            )
        )
        registered = Registrations.agent_id == agent_id
        self._get = compile_(
            Registrations.select(
                Registrations.tenant_id, Registrations.config, Registrations.max_sessions
            ).where(registered)
        )
        self._status = compile_(
            Registrations.select(Registrations.max_sessions, held).where(registered)
        )
        self._list = compile_(
            Registrations.select(Registrations.agent_id).order_by(Registrations.id)
        )
        self._row = compile_(Agents.select().where(Agents.id == agent_id))
        self._forget = compile_(Registrations.delete().where(registered))
        # Every other change takes the live row first and the session's second. Without this one,
        # which only takes them, an unregistration and a heartbeat would wait for each other.
        self._take_live = compile_(
            LiveSessions.update({LiveSessions.heartbeat_at: now}).where(
                LiveSessions.agent_id == agent_id
            )
        )
        live = LiveSessions.select(LiveSessions.session_id).where(LiveSessions.agent_id == agent_id)
        self._end_sessions = compile_(
            Sessions.update(ended_with(database.dialect)).where(
                Sessions.session_id.in_(live), Sessions.status.in_(sorted(LIVE))
            )
        )
        over = Sessions.select(
            Sessions.session_id,
            now,
            peewee.Value(EventKind.ENDED.value, converter=False).cast("varchar"),
            bind("detail"),
        ).where(Sessions.session_id.in_(live), Sessions.updated_at == now)
        self._tell = compile_(
            SessionEvents.insert_from(
                over,
                [
                    SessionEvents.session_id,
                    SessionEvents.at,
                    SessionEvents.kind,
                    SessionEvents.detail,
                ],
            )
        )
        self._forget_words = compile_(Utterances.delete().where(Utterances.session_id.in_(live)))
        self._free = compile_(
            LiveSessions.delete()
            .where(LiveSessions.agent_id == agent_id)
            .returning(LiveSessions.session_id)
        )

    async def register(self, registration: Registration) -> None:
        """Insert, or update in place."""
        await self._database.write(
            self._register.bind(
                agent_id=registration.agent_id,
                tenant_id=registration.tenant_id,
                config=json.dumps(registration.config),
                max_sessions=registration.max_sessions,
                now=self._database.now(),
            )
        )

    async def unregister(self, agent_id: int) -> list[Session]:
        """Delete the registration, end the sessions, free their places: one transaction."""
        ending = {
            "status": SessionStatus.ENDED.value,
            "now": self._database.now(),
            "metadata": json.dumps({"reason": DELETED}),
        }
        freed = await self._database.write(
            *self._database.lock(agent_id),
            self._forget.bind(agent_id=agent_id),
            self._take_live.bind(agent_id=agent_id, now=ending["now"]),
            self._end_sessions.bind(agent_id=agent_id, **ending),
            self._tell.bind(agent_id=agent_id, now=ending["now"], detail=DELETED),
            self._forget_words.bind(agent_id=agent_id),
            self._free.bind(agent_id=agent_id),
        )
        ended = [await self._sessions.get(session_id) for (session_id,) in freed]
        return [session for session in ended if session is not None]

    async def get(self, agent_id: int) -> Registration | None:
        """The registration, or None."""
        row = single(await self._database.read(self._get.bind(agent_id=agent_id)))
        if row is None:
            return None
        tenant_id, config, max_sessions = row
        return Registration(agent_id, tenant_id, json.loads(config), max_sessions)

    async def status(self, agent_id: int) -> AgentStatus:
        """Registered agents take sessions, so registered and active are the same."""
        row = single(await self._database.read(self._status.bind(agent_id=agent_id)))
        if row is None:
            return AgentStatus()
        max_sessions, held = row
        return AgentStatus(True, True, held, max_sessions)

    async def list_ids(self) -> list[int]:
        """In the order of first registration."""
        return [agent_id for (agent_id,) in await self._database.read(self._list.bind())]

    async def agent_row(self, agent_id: int) -> Mapping[str, Any] | None:
        """The row by column name."""
        row = single(await self._database.read(self._row.bind(agent_id=agent_id)))
        columns = [field.column_name for field in Agents._meta.sorted_fields]  # noqa: SLF001
        return None if row is None else dict(zip(columns, row, strict=True))
