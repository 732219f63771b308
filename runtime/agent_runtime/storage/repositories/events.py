"""What happened to the sessions, step by step: appended in the transaction of the step itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import peewee

from agent_runtime.domain.lease import Event, EventKind
from agent_runtime.storage.schema.own import SessionEvents
from agent_runtime.storage.sql.database import Database
from agent_runtime.storage.sql.statements import bind
from agent_runtime.storage.sql.times import aware

_COLUMNS = (SessionEvents.session_id, SessionEvents.at, SessionEvents.kind, SessionEvents.detail)


def appended_if(condition: peewee.Select, kind: EventKind) -> peewee.Node:
    """INSERT of an event if `condition` has a row; binds `session_id`, `now` and `detail`.

    It stands behind the change that it tells of, and its condition holds only if that was made here.
    """
    values = (
        bind("session_id"),
        bind("now", "timestamp"),
        peewee.Value(kind.value, converter=False).cast("varchar"),
        bind("detail"),
    )
    source = peewee.Select(columns=values).where(peewee.fn.EXISTS(condition))
    return SessionEvents.insert_from(source, list(_COLUMNS))


class StoredEvents:
    """Implements the port EventStore."""

    def __init__(self, database: Database) -> None:
        self._database = database
        compile_ = database.dialect.compile
        self._of = compile_(
            SessionEvents.select(
                SessionEvents.id, SessionEvents.at, SessionEvents.kind, SessionEvents.detail
            )
            .where(
                SessionEvents.session_id == bind("session_id"),
                SessionEvents.id > bind("after", "integer"),
            )
            .order_by(SessionEvents.id)
        )
        self._clear = compile_(
            SessionEvents.delete().where(SessionEvents.at < bind("before", "timestamp"))
        )

    async def read(self, session_id: str, after: int = 0) -> list[tuple[int, Event]]:
        """The events of a session behind the one numbered `after`, in order, with their numbers."""
        rows = await self._database.read(self._of.bind(session_id=session_id, after=after))
        return [(number, Event(aware(at), kind, detail)) for number, at, kind, detail in rows]

    async def clear(self, now: datetime, older_than: timedelta) -> None:
        """Forget old events."""
        before: Any = self._database.moment(now - older_than)
        await self._database.write(self._clear.bind(before=before))
