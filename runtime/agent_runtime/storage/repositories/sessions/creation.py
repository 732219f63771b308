"""Creating sessions within the capacity of their agents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import peewee
from peewee import fn

from agent_runtime.domain.access.tenants import TenantMismatch
from agent_runtime.domain.agent import STOPPED
from agent_runtime.domain.errors import (
    AgentAtCapacity,
    AgentNotRegistered,
    AgentStopped,
    QueueFull,
    TenantAtCapacity,
    VariablesUnchecked,
)
from agent_runtime.domain.job import AUTOMATIC
from agent_runtime.domain.lease import EventKind, Phase
from agent_runtime.domain.ports.sessions import RequestRepeated
from agent_runtime.domain.privacy import PrivacyTier
from agent_runtime.domain.session import NO_LIMITS, CreateLimits, RepeatableRequest, Session
from agent_runtime.secrecy.keyring import Keyring
from agent_runtime.secrecy.names import without_secrets
from agent_runtime.storage.repositories.events import appended_if
from agent_runtime.storage.repositories.keeping import Keeping
from agent_runtime.storage.repositories.live import HERE, THIS_LIVE, UNHELD
from agent_runtime.storage.repositories.sealed.variables import stored
from agent_runtime.storage.repositories.sealing import SessionCipher
from agent_runtime.storage.repositories.sessions.requests import (
    KEPT,
    delete_old,
    insert_request,
)
from agent_runtime.storage.repositories.sessions.rows import NOW, SessionReader
from agent_runtime.storage.schema.runtime import LiveSessions, Registrations
from agent_runtime.storage.schema.shared.platform import Agents
from agent_runtime.storage.schema.shared.sessions import Sessions
from agent_runtime.storage.sql.compiled import CompiledOnce
from agent_runtime.storage.sql.database import Database, DuplicateError
from agent_runtime.storage.sql.dialects import as_json
from agent_runtime.storage.sql.statements import Statement, Step, bind, single

_AGENT_ID = bind("agent_id", "integer")
_TENANT_ID = bind("tenant_id", "integer")


def by_tier(full: peewee.Node, redacted: peewee.Node, none: peewee.Node) -> peewee.Node:
    """The value for the tier of the agent's registration, else for that of the setting.

    The database chooses, so that a create needs no read before its first write.
    """
    values = [(PrivacyTier.FULL.value, full), (PrivacyTier.REDACTED.value, redacted)]
    return peewee.Case(_tier(), values, none)


def _tier() -> peewee.Node:
    registered = Registrations.select(Registrations.privacy).where(
        Registrations.agent_id == _AGENT_ID
    )
    return fn.COALESCE(registered, bind("tier"))


def _session_row() -> peewee.Node:
    """INSERT of the session's row if the live row was inserted."""
    values = {
        Sessions.session_id: bind("session_id"),
        Sessions.agent_id: _AGENT_ID,
        Sessions.tenant_id: _TENANT_ID,
        Sessions.room_name: bind("room_name"),
        Sessions.status: bind("status"),
        Sessions.started_at: NOW,
        Sessions.metadata: as_json(
            by_tier(bind("metadata_full"), bind("metadata_redacted"), bind("metadata_none"))
        ),
        Sessions.created_at: NOW,
        Sessions.updated_at: NOW,
    }
    inserted = LiveSessions.select(*values.values()).where(THIS_LIVE)
    return Sessions.insert_from(inserted, list(values)).returning(_tier())


class SessionCreation(SessionReader):
    """The part of the port SessionStore that creates sessions."""

    def __init__(
        self,
        database: Database,
        namespace: str | None = None,
        keyring: Keyring | None = None,
        keeping: Keeping | None = None,
    ) -> None:
        """`keeping` has the rules for what is kept of callers; by default all is."""
        super().__init__(database, namespace, keyring)
        self._keeping = keeping or Keeping()
        self._cipher = SessionCipher()

    _take_place = CompiledOnce(lambda: _registered_row())  # noqa: PLW0108 - defined below
    _take_place_in_queue = CompiledOnce(lambda: _registered_row(_queue_has_place()))
    _take_place_of_tenant = CompiledOnce(lambda: _registered_row(_tenant_has_place()))
    _take_place_of_both = CompiledOnce(
        lambda: _registered_row(_queue_has_place(), _tenant_has_place())
    )

    async def create(
        self,
        session: Session,
        limits: CreateLimits = NO_LIMITS,
        request: RepeatableRequest | None = None,
        *,
        is_checked: bool = False,
    ) -> None:
        """Take the place and insert the row in one transaction.

        A read follows only when there was no place, to find out why.
        """
        take_place = {
            (False, False): self._take_place,
            (True, False): self._take_place_in_queue,
            (False, True): self._take_place_of_tenant,
            (True, True): self._take_place_of_both,
        }[limits.waiting is not None, limits.of_tenant is not None]
        try:
            made = await self._create(
                session,
                take_place,
                request=request,
                last_place=(limits.waiting or 1) - 1,
                of_tenant=limits.of_tenant,
                checked=int(is_checked),
            )
        except DuplicateError as error:
            if request is None:
                raise
            raise RequestRepeated("a create with this Idempotency-Key was stored before") from error
        if not made:
            raise await self._why_not(session, limits, is_checked=is_checked)

    _held = CompiledOnce(
        lambda: Registrations.select(
            Registrations.max_sessions,
            Registrations.tenant_id,
            Registrations.has_variables,
            _held_by_agent(),
            _held_by_tenant(),
        ).where(Registrations.agent_id == _AGENT_ID)
    )

    async def _why_not(
        self, session: Session, limits: CreateLimits, *, is_checked: bool
    ) -> Exception:
        agent_id, tenant_id = session.agent_id, session.tenant_id
        row = single(
            await self._database.read(self._held.bind(agent_id=agent_id, tenant_id=tenant_id))
        )
        if row is None:
            return AgentNotRegistered(agent_id)
        most, registered_by, has_variables, held_by_agent, held_by_tenant = row
        if registered_by != tenant_id:
            return TenantMismatch(agent_id)
        if has_variables and not is_checked:
            return VariablesUnchecked(agent_id)
        if await self._database.read(self._stopped.bind(agent_id=agent_id)):
            return AgentStopped(agent_id)
        if held_by_agent < most:
            if limits.of_tenant is not None and held_by_tenant >= limits.of_tenant:
                return TenantAtCapacity(tenant_id, limits.of_tenant)
            if limits.waiting is not None:
                return QueueFull(limits.waiting)
        return AgentAtCapacity(agent_id, most)

    _stopped = CompiledOnce(lambda: _stopped_agent().limit(1))

    _take_place_within = CompiledOnce(lambda: _live_row(bind("limit", "integer"), registered=False))

    async def create_automatic(self, session: Session, limit: int) -> None:
        """Do the same within `limit` for an agent that need not be registered."""
        if not await self._create(session, self._take_place_within, {AUTOMATIC: True}, limit=limit):
            if await self._database.read(self._stopped.bind(agent_id=session.agent_id)):
                raise AgentStopped(session.agent_id)
            raise AgentAtCapacity(session.agent_id, limit)

    _created = CompiledOnce(
        lambda: appended_if(
            LiveSessions.select().where(THIS_LIVE),
            EventKind.CREATED,
        )
    )

    _insert = CompiledOnce(_session_row)

    async def _create(
        self,
        session: Session,
        take_place: Statement,
        variables: Mapping[str, Any] | None = None,
        *,
        request: RepeatableRequest | None = None,
        **limits: int | None,
    ) -> bool:
        given, key = session.variables, self._cipher.new_key()
        text = stored({**given, **(variables or {})}, self._keyring, session.session_id)
        values = {
            "session_id": session.session_id,
            "agent_id": session.agent_id,
            "tenant_id": session.tenant_id,
            "room_name": session.room_name,
            "status": session.status.value,
            "now": self._database.moment(session.started_at),
            "tier": self._keeping.tier.value,
            "words_key": key,
            "variables": text,
            # Opened by the agent's job and by one that replaces it.
            "sealed": self._cipher.seal(key, text, session.session_id) if given else text,
            "phase": Phase.ASKED.value,
            "beats": 0,
            "dispatches": 1,
            "namespace": self._namespace,
        }
        # The ids of tenants are negative there, so that no agent has the same lock.
        tenants = limits.get("of_tenant") is not None
        for tier in PrivacyTier:
            values[f"metadata_{tier.value}"] = json.dumps(
                self._keeping.details(without_secrets(session.caller), tier)
            )
        made = await self._database.write(
            *self._database.lock(session.agent_id),
            *(self._database.lock(-session.tenant_id) if tenants else ()),
            take_place.bind(**values, **limits),
            *self._remember(request, session, values),
            self._created.bind(**values, detail=f"agent {session.agent_id}"),
            self._insert.bind(**values),
        )
        return bool(made)

    _forget_old = CompiledOnce(delete_old)
    _insert_request = CompiledOnce(insert_request)

    def _remember(
        self, request: RepeatableRequest | None, session: Session, values: Mapping[str, Any]
    ) -> tuple[Step, ...]:
        if request is None:
            return ()
        oldest = self._database.moment(session.started_at - KEPT)
        return (
            self._forget_old.bind(oldest=oldest),
            self._insert_request.bind(**values, key=request.key, body=request.body, is_answered=0),
        )


def _stopped_agent() -> peewee.Select:
    """SELECT of the agent's row in the platform's table if its deployment is stopped."""
    return Agents.select(Agents.id).where(
        Agents.id == _AGENT_ID, Agents.deployment_status == STOPPED
    )


def _held_by_agent() -> peewee.Select:
    return LiveSessions.select(fn.COUNT(LiveSessions.session_id)).where(
        LiveSessions.agent_id == _AGENT_ID
    )


def _held_by_tenant() -> peewee.Select:
    return LiveSessions.select(fn.COUNT(LiveSessions.session_id)).where(
        LiveSessions.tenant_id == _TENANT_ID
    )


def _tenant_has_place() -> peewee.Node:
    """Whether the tenant holds fewer than `of_tenant` sessions."""
    return peewee.Expression(_held_by_tenant(), "<", bind("of_tenant", "integer"))


def _queue_has_place() -> peewee.Node:
    """Whether no session of this deployment waits at the queue's `last_place`, counted from 0."""
    waiting = LiveSessions.select(LiveSessions.session_id).where(UNHELD, HERE)
    has_place: peewee.Node = ~fn.EXISTS(waiting.limit(1).offset(bind("last_place", "integer")))
    return has_place


def _registered_row(*conditions: peewee.Node) -> peewee.Node:
    return _live_row(Registrations.max_sessions, *conditions, registered=True)


def _live_row(limit: peewee.Node, *conditions: peewee.Node, registered: bool) -> peewee.Node:
    """INSERT of the live row if the agent holds fewer than `limit`.

    With `registered`, only if the session's tenant has registered it.
    """
    values = {
        LiveSessions.session_id: bind("session_id"),
        LiveSessions.agent_id: _AGENT_ID,
        LiveSessions.room_name: bind("room_name"),
        LiveSessions.heartbeat_at: NOW,
        LiveSessions.phase: bind("phase"),
        LiveSessions.beats: bind("beats", "integer"),
        LiveSessions.dispatches: bind("dispatches", "integer"),
        LiveSessions.variables: by_tier(bind("variables"), bind("sealed"), bind("sealed")),
        LiveSessions.words_key: bind("words_key"),
        LiveSessions.namespace: bind("namespace"),
        LiveSessions.tenant_id: _TENANT_ID,
    }
    has_place = peewee.Expression(_held_by_agent(), "<", limit) & ~fn.EXISTS(_stopped_agent())
    for condition in conditions:
        has_place &= condition
    source: peewee.Select
    if registered:
        source = Registrations.select(*values.values()).where(
            Registrations.agent_id == _AGENT_ID,
            Registrations.has_variables <= bind("checked", "integer"),
            Registrations.tenant_id == _TENANT_ID,
            has_place,
        )
    else:
        source = peewee.Select(columns=tuple(values.values())).where(has_place)
    return LiveSessions.insert_from(source, list(values))
