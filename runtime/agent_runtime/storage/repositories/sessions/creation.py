"""Creating sessions within the capacity of their agents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from agent_runtime.domain.access.tenants import TenantMismatch
from agent_runtime.domain.callers.privacy import PrivacyTier
from agent_runtime.domain.errors import (
    AgentAtCapacity,
    AgentNotRegistered,
    AgentStopped,
    VariablesUnchecked,
)
from agent_runtime.domain.job import AUTOMATIC
from agent_runtime.domain.lease import EventKind, Phase
from agent_runtime.domain.ports.sessions import QueueFull, RequestRepeated, TenantAtCapacity
from agent_runtime.domain.session import NO_LIMITS, CreateLimits, RepeatableRequest, Session
from agent_runtime.secrecy.keyring import Keyring
from agent_runtime.secrecy.names import without_secrets
from agent_runtime.storage.repositories.events import appended_if
from agent_runtime.storage.repositories.keeping import Keeping
from agent_runtime.storage.repositories.live import THIS_LIVE
from agent_runtime.storage.repositories.sealed.variables import stored
from agent_runtime.storage.repositories.sealing import SessionCipher
from agent_runtime.storage.repositories.sessions.inserts import (
    AGENT_ID,
    held_by_agent,
    held_by_tenant,
    live_row,
    queue_has_place,
    registered_row,
    session_row,
    stopped_agent,
    tenant_has_place,
)
from agent_runtime.storage.repositories.sessions.requests import (
    KEPT,
    delete_old,
    insert_request,
)
from agent_runtime.storage.repositories.sessions.rows import SessionReader
from agent_runtime.storage.schema.runtime import LiveSessions, Registrations
from agent_runtime.storage.sql.compiled import CompiledOnce
from agent_runtime.storage.sql.database import Database, DuplicateError
from agent_runtime.storage.sql.statements import Statement, Step, bind, single


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

    _take_place = CompiledOnce(registered_row)
    _take_place_in_queue = CompiledOnce(lambda: registered_row(queue_has_place()))
    _take_place_of_tenant = CompiledOnce(lambda: registered_row(tenant_has_place()))
    _take_place_of_both = CompiledOnce(
        lambda: registered_row(queue_has_place(), tenant_has_place())
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
            held_by_agent(),
            held_by_tenant(),
        ).where(Registrations.agent_id == AGENT_ID)
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

    _stopped = CompiledOnce(lambda: stopped_agent().limit(1))

    _take_place_within = CompiledOnce(lambda: live_row(bind("limit", "integer"), registered=False))

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

    _insert = CompiledOnce(session_row)

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
