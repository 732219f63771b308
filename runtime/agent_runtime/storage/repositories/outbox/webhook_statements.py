"""Statements on webhooks: which agents have them, which a registration changes, and their deliveries."""

from __future__ import annotations

from typing import Final

import peewee
from peewee import fn

from agent_runtime.domain.ports.webhooks import DeliveryState
from agent_runtime.storage.repositories.sessions.rows import NOW
from agent_runtime.storage.schema.runtime import SessionEvents, WebhookAgents, WebhookDeliveries
from agent_runtime.storage.sql.statements import bind

# Rows that are read at a time.
BATCH: Final = 50
_D: Final = WebhookDeliveries
THIS: Final = _D.id == bind("number", "bigint")
PENDING: Final = _D.state == DeliveryState.PENDING.value
# A constant in the text, so that the index of the rows that are owed serves.
OWED: Final = peewee.Expression(SessionEvents.owed, "=", peewee.SQL("1"))
DELIVERY: Final = (
    _D.id,
    _D.message_id,
    _D.session_id,
    _D.agent_id,
    _D.event,
    _D.url,
    _D.body,
    _D.state,
    _D.attempts,
    _D.next_at,
    _D.created_at,
    _D.detail,
    _D.credentials,
)


def subscribe() -> peewee.Node:
    """INSERT of the agent, if it is not there."""
    return WebhookAgents.insert({WebhookAgents.agent_id: bind("agent_id", "integer")}).on_conflict(
        action="IGNORE"
    )


def unsubscribe() -> peewee.Node:
    """DELETE of the agent."""
    return WebhookAgents.delete().where(WebhookAgents.agent_id == bind("agent_id", "integer"))


def allow_addresses() -> peewee.Node:
    """UPDATE that calls those addresses of the agent again which were gone (410)."""
    return WebhookDeliveries.update({WebhookDeliveries.state: DeliveryState.DEAD.value}).where(
        WebhookDeliveries.agent_id == bind("agent_id", "integer"),
        WebhookDeliveries.state == DeliveryState.GONE.value,
    )


def new_delivery() -> peewee.Node:
    """INSERT of a delivery unless its address is gone, or it is there."""
    other = WebhookDeliveries.alias("gone")
    gone = other.select(other.id).where(
        other.agent_id == bind("agent_id", "integer"),
        other.url == bind("url"),
        other.state == DeliveryState.GONE.value,
    )
    values = {
        _D.message_id: bind("message_id"),
        _D.session_id: bind("session_id"),
        _D.agent_id: bind("agent_id", "integer"),
        _D.event: bind("event"),
        _D.url: bind("url"),
        _D.credentials: bind("credentials"),
        _D.body: bind("body"),
        _D.state: peewee.Value(DeliveryState.PENDING.value, converter=False).cast("varchar"),
        _D.attempts: peewee.SQL("0"),
        _D.next_at: NOW,
        _D.created_at: NOW,
        _D.detail: peewee.SQL("''"),
    }
    source = peewee.Select(columns=tuple(values.values())).where(~fn.EXISTS(gone))
    return _D.insert_from(source, list(values)).on_conflict(action="IGNORE")


def due_deliveries() -> peewee.Node:
    """SELECT of what is due and follows nothing that is pending for the same session and address."""
    earlier = WebhookDeliveries.alias("earlier")
    before = earlier.select(earlier.id).where(
        earlier.session_id == _D.session_id,
        earlier.url == _D.url,
        earlier.id < _D.id,
        earlier.state == DeliveryState.PENDING.value,
    )
    return (
        _D.select(*DELIVERY)
        .where(PENDING, _D.next_at <= NOW, ~fn.EXISTS(before))
        .order_by(_D.next_at, _D.id)
        .limit(BATCH)
    )


def made_due(*which: peewee.Node) -> peewee.Node:
    """UPDATE that has deliveries sent again."""
    change = {_D.state: DeliveryState.PENDING.value, _D.attempts: 0, _D.next_at: NOW}
    return _D.update(change).where(*which).returning(_D.id)
