"""The events of the sessions. Each is appended in the transaction of the change that it records."""

from __future__ import annotations

from typing import Final

import peewee

from agent_runtime.domain.lease import Event, EventKind
from agent_runtime.storage.repositories.store import Store
from agent_runtime.storage.schema.runtime import SessionEvents
from agent_runtime.storage.sql.compiled import CompiledOnce
from agent_runtime.storage.sql.statements import bind
from agent_runtime.storage.sql.times import aware

_COLUMNS: Final = (
    SessionEvents.session_id,
    SessionEvents.at,
    SessionEvents.kind,
    SessionEvents.detail,
)


def kind_value(kind: EventKind) -> peewee.Node:
    """The kind as a typed constant: PostgreSQL cannot infer the type of a selected parameter."""
    return peewee.Value(kind.value, converter=False).cast("varchar")


def insert_events(source: peewee.Node) -> peewee.Node:
    """INSERT of the rows of `source`: session, time, kind and detail."""
    return SessionEvents.insert_from(source, list(_COLUMNS))


def appended_if(condition: peewee.Select, kind: EventKind) -> peewee.Node:
    """INSERT of an event if `condition` has a row; binds `session_id`, `now` and `detail`.

    It follows the change that it records; its condition holds only if this transaction made that change.
    """
    values = (bind("session_id"), bind("now", "timestamp"), kind_value(kind), bind("detail"))
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
