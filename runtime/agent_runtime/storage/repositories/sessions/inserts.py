"""The INSERTs of a create: the live row, within every limit, and the session's row."""

from __future__ import annotations

import peewee
from peewee import fn

from agent_runtime.domain.agents.agent import STOPPED
from agent_runtime.domain.callers.privacy import PrivacyTier
from agent_runtime.storage.repositories.live import HERE, THIS_LIVE, UNHELD
from agent_runtime.storage.repositories.sessions.rows import NOW
from agent_runtime.storage.schema.runtime import LiveSessions, Registrations
from agent_runtime.storage.schema.shared.platform import Agents
from agent_runtime.storage.schema.shared.sessions import Sessions
from agent_runtime.storage.sql.dialects import as_json
from agent_runtime.storage.sql.statements import bind

AGENT_ID = bind("agent_id", "integer")
TENANT_ID = bind("tenant_id", "integer")


def by_tier(full: peewee.Node, redacted: peewee.Node, none: peewee.Node) -> peewee.Node:
    """The value for the tier of the agent's registration, else for that of the setting.

    The database chooses, so that a create needs no read before its first write.
    """
    values = [(PrivacyTier.FULL.value, full), (PrivacyTier.REDACTED.value, redacted)]
    return peewee.Case(_tier(), values, none)


def _tier() -> peewee.Node:
    registered = Registrations.select(Registrations.privacy).where(
        Registrations.agent_id == AGENT_ID
    )
    return fn.COALESCE(registered, bind("tier"))


def session_row() -> peewee.Node:
    """INSERT of the session's row if the live row was inserted."""
    values = {
        Sessions.session_id: bind("session_id"),
        Sessions.agent_id: AGENT_ID,
        Sessions.tenant_id: TENANT_ID,
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
    return Sessions.insert_from(inserted, list(values)).returning(Sessions.session_id)


def stopped_agent() -> peewee.Select:
    """SELECT of the agent's row in the platform's table if its deployment is stopped."""
    return Agents.select(Agents.id).where(
        Agents.id == AGENT_ID, Agents.deployment_status == STOPPED
    )


def held_by_agent() -> peewee.Select:
    """SELECT of the number of the agent's live sessions."""
    return LiveSessions.select(fn.COUNT(LiveSessions.session_id)).where(
        LiveSessions.agent_id == AGENT_ID
    )


def held_by_tenant() -> peewee.Select:
    """SELECT of the number of the tenant's live sessions."""
    return LiveSessions.select(fn.COUNT(LiveSessions.session_id)).where(
        LiveSessions.tenant_id == TENANT_ID
    )


def tenant_has_place() -> peewee.Node:
    """Whether the tenant holds fewer than `of_tenant` sessions."""
    return peewee.Expression(held_by_tenant(), "<", bind("of_tenant", "integer"))


def queue_has_place() -> peewee.Node:
    """Whether no session of this deployment waits at the queue's `last_place`, counted from 0."""
    waiting = LiveSessions.select(LiveSessions.session_id).where(UNHELD, HERE)
    has_place: peewee.Node = ~fn.EXISTS(waiting.limit(1).offset(bind("last_place", "integer")))
    return has_place


def registered_row(*conditions: peewee.Node) -> peewee.Node:
    """INSERT of the live row of a registered agent within its capacity and the conditions."""
    return live_row(Registrations.max_sessions, *conditions, registered=True)


def live_row(limit: peewee.Node, *conditions: peewee.Node, registered: bool) -> peewee.Node:
    """INSERT of the live row if the agent holds fewer than `limit`.

    With `registered`, only if the session's tenant has registered it.
    """
    values = {
        LiveSessions.session_id: bind("session_id"),
        LiveSessions.agent_id: AGENT_ID,
        LiveSessions.room_name: bind("room_name"),
        LiveSessions.heartbeat_at: NOW,
        LiveSessions.phase: bind("phase"),
        LiveSessions.beats: bind("beats", "integer"),
        LiveSessions.dispatches: bind("dispatches", "integer"),
        LiveSessions.variables: by_tier(bind("variables"), bind("sealed"), bind("sealed")),
        LiveSessions.words_key: bind("words_key"),
        LiveSessions.namespace: bind("namespace"),
        LiveSessions.tenant_id: TENANT_ID,
    }
    has_place = peewee.Expression(held_by_agent(), "<", limit) & ~fn.EXISTS(stopped_agent())
    for condition in conditions:
        has_place &= condition
    source: peewee.Select
    if registered:
        source = Registrations.select(*values.values()).where(
            Registrations.agent_id == AGENT_ID,
            Registrations.has_variables <= bind("checked", "integer"),
            Registrations.tenant_id == TENANT_ID,
            has_place,
        )
    else:
        source = peewee.Select(columns=tuple(values.values())).where(has_place)
    return LiveSessions.insert_from(source, list(values))
