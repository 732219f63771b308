"""The events of the sessions. Each is appended in the transaction of the change that it records."""

from __future__ import annotations

from typing import Final

import peewee

from agent_runtime.domain.lease import Event, EventKind
from agent_runtime.storage.repositories.store import Store
from agent_runtime.storage.schema.runtime import SessionEvents, WebhookAgents
from agent_runtime.storage.schema.shared.sessions import Sessions
from agent_runtime.storage.sql.compiled import CompiledOnce
from agent_runtime.storage.sql.statements import bind
from agent_runtime.storage.sql.times import aware

_COLUMNS: Final = (
    SessionEvents.session_id,
    SessionEvents.at,
    SessionEvents.kind,
    SessionEvents.detail,
    SessionEvents.owed,
)
# The events that webhooks tell of. One of them that is owed is written with its mark by the statement that
# writes the event anyway, so a session without webhooks costs no statement more.
TOLD: Final = frozenset({EventKind.TALKING, EventKind.ENDED, EventKind.ERROR})


def owed(agent_id: peewee.Node) -> peewee.Node:
    """1 when an agent, or every agent, has webhooks, else 0."""
    some = WebhookAgents.select().where(
        (WebhookAgents.agent_id == 0) | (WebhookAgents.agent_id == agent_id)
    )
    return peewee.Case(None, [(peewee.fn.EXISTS(some), peewee.SQL("1"))], peewee.SQL("0"))


def kind_value(kind: EventKind) -> peewee.Node:
    """The kind as a typed constant: PostgreSQL cannot infer the type of a selected parameter."""
    return peewee.Value(kind.value, converter=False).cast("varchar")


def insert_events(source: peewee.Node) -> peewee.Node:
    """INSERT of the rows of `source`: session, time, kind, detail and whether it is owed."""
    return SessionEvents.insert_from(source, list(_COLUMNS))


def appended_if(condition: peewee.Select, kind: EventKind) -> peewee.Node:
    """INSERT of an event if `condition` has a row; binds `session_id`, `now` and `detail`.

    It follows the change that it records; its condition holds only if this transaction made that change.
    """
    agent = Sessions.select(Sessions.agent_id).where(Sessions.session_id == bind("session_id"))
    values = (
        bind("session_id"),
        bind("now", "timestamp"),
        kind_value(kind),
        bind("detail"),
        owed(agent) if kind in TOLD else peewee.SQL("0"),
    )
    return insert_events(peewee.Select(columns=values).where(peewee.fn.EXISTS(condition)))


class StoredEvents(Store):
    """Implements the port EventStore."""

    _read = CompiledOnce(
        lambda: (
            SessionEvents.select(
                SessionEvents.id, SessionEvents.at, SessionEvents.kind, SessionEvents.detail
            )
            .where(
                SessionEvents.session_id == bind("session_id"),
                SessionEvents.id > bind("after", "bigint"),
            )
            .order_by(SessionEvents.id)
        )
    )

    async def read(self, session_id: str, after: int = 0) -> list[tuple[int, Event]]:
        """The session's events after the one numbered `after`, in order, with their numbers."""
        rows = await self._database.read(self._read.bind(session_id=session_id, after=after))
        return [(number, Event(aware(at), kind, detail)) for number, at, kind, detail in rows]
