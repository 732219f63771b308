"""The registered agents, and rows of the shared table of agents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import peewee
from peewee import EXCLUDED, fn

from agent_runtime.domain.access.tenants import AgentNotFound, AgentOfOtherTenant
from agent_runtime.domain.agents.agent import AgentStatus, Registration
from agent_runtime.domain.lease import EventKind
from agent_runtime.domain.session import AGENT_DELETED, LIVE, Session, SessionStatus
from agent_runtime.secrecy.keyring import Keyring
from agent_runtime.storage.repositories.events import insert_events, kind_value, owed
from agent_runtime.storage.repositories.outbox.webhook_statements import (
    allow_addresses,
    subscribe,
    unsubscribe,
)
from agent_runtime.storage.repositories.registry.agent_versions import (
    KEPT,
    add_if_changed,
    digest,
    forget_oldest,
    latest,
)
from agent_runtime.storage.repositories.registry.history import AgentHistory
from agent_runtime.storage.repositories.sealed.rotation import registration_context
from agent_runtime.storage.repositories.sessions.rows import NOW, end_of_session
from agent_runtime.storage.repositories.sessions.store import StoredSessions
from agent_runtime.storage.schema.runtime import (
    LiveSessions,
    Registrations,
    Utterances,
)
from agent_runtime.storage.schema.shared.platform import Agents
from agent_runtime.storage.schema.shared.sessions import Sessions
from agent_runtime.storage.sql.compiled import CompiledOnce
from agent_runtime.storage.sql.database import Database
from agent_runtime.storage.sql.statements import bind, single

_AGENT_ID: Final = bind("agent_id", "integer")
_REGISTERED: Final = Registrations.agent_id == _AGENT_ID
_OF_TENANT: Final = Registrations.tenant_id == bind("tenant_id", "integer")
_LIVE_OF_AGENT: Final = LiveSessions.agent_id == _AGENT_ID
# Within the transaction that deletes the registration.
_LIVE_OF_DELETED: Final = _LIVE_OF_AGENT & ~fn.EXISTS(Registrations.select().where(_REGISTERED))


def _status_row() -> peewee.ModelSelect[Registrations]:
    held = LiveSessions.select(fn.COUNT(LiveSessions.session_id)).where(_LIVE_OF_AGENT)
    return Registrations.select(Registrations.max_sessions, held).where(_REGISTERED)


class RegisteredAgents(AgentHistory):
    """Implements the port AgentRegistry."""

    def __init__(
        self,
        database: Database,
        sessions: StoredSessions,
        kept: int = KEPT,
        *,
        keyring: Keyring | None = None,
    ) -> None:
        """Of each agent the latest `kept` versions are kept."""
        super().__init__(database, keyring)
        self._sessions = sessions
        self._kept = kept

    _add_version = CompiledOnce(add_if_changed)
    _forget_oldest = CompiledOnce(forget_oldest)

    _register = CompiledOnce(
        lambda: (
            Registrations.insert(
                {
                    Registrations.agent_id: _AGENT_ID,
                    Registrations.tenant_id: bind("tenant_id", "integer"),
                    Registrations.config: bind("config"),
                    Registrations.max_sessions: bind("max_sessions", "integer"),
                    Registrations.has_variables: bind("has_variables", "integer"),
                    Registrations.privacy: bind("privacy"),
                    Registrations.created_at: NOW,
                    Registrations.updated_at: NOW,
                    Registrations.version: latest(),
                }
            )
            .on_conflict(
                conflict_target=[Registrations.agent_id],
                update={
                    Registrations.tenant_id: EXCLUDED.tenant_id,
                    Registrations.config: EXCLUDED.config,
                    Registrations.max_sessions: EXCLUDED.max_sessions,
                    Registrations.has_variables: EXCLUDED.has_variables,
                    Registrations.privacy: EXCLUDED.privacy,
                    Registrations.updated_at: EXCLUDED.updated_at,
                    Registrations.version: EXCLUDED.version,
                },
                where=(Registrations.tenant_id == EXCLUDED.tenant_id),
            )
            .returning(Registrations.version)
        )
    )

    _subscribe = CompiledOnce(subscribe)
    _unsubscribe = CompiledOnce(unsubscribe)
    _allow_addresses = CompiledOnce(allow_addresses)

    async def register(self, registration: Registration) -> int:
        """Insert the registration, or update the tenant's; add the version, if it is a new one."""
        values = {
            "agent_id": registration.agent_id,
            "tenant_id": registration.tenant_id,
            "config": self._keyring.seal(
                json.dumps(registration.config), registration_context(registration.agent_id)
            ),
            "max_sessions": registration.max_sessions,
            "has_variables": int(registration.has_variables),
            "privacy": registration.privacy,
            "now": self._database.now(),
        }
        subscribed = (
            self._subscribe.bind(agent_id=registration.agent_id)
            if registration.has_webhooks
            else self._unsubscribe.bind(agent_id=registration.agent_id)
        )
        content = digest(registration.tenant_id, registration.config)
        rows = await self._database.write(
            *self._database.lock(registration.agent_id),
            self._add_version.bind(**values, digest=content, origin=registration.origin),
            self._forget_oldest.bind(agent_id=registration.agent_id, kept=self._kept),
            subscribed,
            self._allow_addresses.bind(agent_id=registration.agent_id),
            self._register.bind(**values),
        )
        if not rows:
            raise AgentOfOtherTenant(registration.agent_id)
        self._database.scrub()  # of the configuration that this one replaced
        return int(rows[0][0])

    _forget = CompiledOnce(lambda: Registrations.delete().where(_REGISTERED))
    _forget_of_tenant = CompiledOnce(lambda: Registrations.delete().where(_REGISTERED, _OF_TENANT))

    # Every other change locks the live row first and the session's row second. Without this one, which
    # only locks, an unregistration and a heartbeat would wait for each other.
    _take_live = CompiledOnce(
        lambda: LiveSessions.update({LiveSessions.heartbeat_at: NOW}).where(_LIVE_OF_DELETED)
    )

    _end_sessions = CompiledOnce(
        lambda: Sessions.update(end_of_session()).where(
            Sessions.session_id.in_(_live_ids()), Sessions.status.in_(sorted(LIVE))
        )
    )

    _note_ends = CompiledOnce(
        lambda: insert_events(
            Sessions.select(
                Sessions.session_id,
                NOW,
                kind_value(EventKind.ENDED),
                bind("detail"),
                owed(_AGENT_ID),
            ).where(Sessions.session_id.in_(_live_ids()), Sessions.updated_at == NOW)
        )
    )

    _forget_words = CompiledOnce(
        lambda: Utterances.delete().where(Utterances.session_id.in_(_live_ids()))
    )

    _free = CompiledOnce(
        lambda: LiveSessions.delete().where(_LIVE_OF_DELETED).returning(LiveSessions.session_id)
    )

    async def unregister(self, agent_id: int, tenant_id: int | None = None) -> list[Session]:
        """Delete the registration, end the agent's sessions and free their places in one transaction."""
        forget = self._forget.bind(agent_id=agent_id)
        if tenant_id is not None:
            if not (await self.status(agent_id, tenant_id)).registered:
                raise AgentNotFound(agent_id)
            # If it has become another tenant's since, its registration stays, and so do its sessions.
            forget = self._forget_of_tenant.bind(agent_id=agent_id, tenant_id=tenant_id)
        ending = {
            "status": SessionStatus.ENDED.value,
            "now": self._database.now(),
            "metadata": json.dumps({"reason": AGENT_DELETED}),
        }
        freed = await self._database.write(
            *self._database.lock(agent_id),
            forget,
            self._take_live.bind(agent_id=agent_id, now=ending["now"]),
            self._end_sessions.bind(agent_id=agent_id, **ending),
            self._note_ends.bind(agent_id=agent_id, now=ending["now"], detail=AGENT_DELETED),
            self._forget_words.bind(agent_id=agent_id),
            self._unsubscribe.bind(agent_id=agent_id),
            self._free.bind(agent_id=agent_id),
        )
        self._database.scrub()
        ended = [await self._sessions.get(session_id) for (session_id,) in freed]
        return [session for session in ended if session is not None]

    _get = CompiledOnce(
        lambda: Registrations.select(
            Registrations.tenant_id,
            Registrations.config,
            Registrations.max_sessions,
            Registrations.version,
        ).where(_REGISTERED)
    )

    async def get(self, agent_id: int) -> Registration | None:
        """The registration, or None. Raises SecretsUnreadable when no key opens its configuration."""
        row = single(await self._database.read(self._get.bind(agent_id=agent_id)))
        return None if row is None else self._registration(agent_id, row)

    _status = CompiledOnce(_status_row)
    _status_of_tenant = CompiledOnce(lambda: _status_row().where(_OF_TENANT))

    async def status(self, agent_id: int, tenant_id: int | None = None) -> AgentStatus:
        """The agent's status. A registered agent accepts sessions, so it is active as well."""
        step = self._status.bind(agent_id=agent_id)
        if tenant_id is not None:
            step = self._status_of_tenant.bind(agent_id=agent_id, tenant_id=tenant_id)
        row = single(await self._database.read(step))
        if row is None:
            return AgentStatus()
        max_sessions, held = row
        return AgentStatus(True, True, held, max_sessions)

    _list = CompiledOnce(
        lambda: Registrations.select(Registrations.agent_id).order_by(Registrations.id)
    )
    _list_of_tenant = CompiledOnce(
        lambda: (
            Registrations.select(Registrations.agent_id)
            .where(_OF_TENANT)
            .order_by(Registrations.id)
        )
    )

    async def list_ids(self, tenant_id: int | None = None) -> list[int]:
        """The ids of the registered agents in the order of their first registration."""
        of_tenant = self._list_of_tenant
        step = self._list.bind() if tenant_id is None else of_tenant.bind(tenant_id=tenant_id)
        return [agent_id for (agent_id,) in await self._database.read(step)]

    _row = CompiledOnce(lambda: Agents.select().where(Agents.id == _AGENT_ID))

    async def agent_row(self, agent_id: int) -> Mapping[str, Any] | None:
        """The agent's row of the shared table by column name, or None."""
        row = single(await self._database.read(self._row.bind(agent_id=agent_id)))
        columns = [field.column_name for field in Agents._meta.sorted_fields]  # noqa: SLF001
        return None if row is None else dict(zip(columns, row, strict=True))


def _live_ids() -> peewee.Node:
    """The ids of the deleted agent's live sessions."""
    return LiveSessions.select(LiveSessions.session_id).where(_LIVE_OF_DELETED)
