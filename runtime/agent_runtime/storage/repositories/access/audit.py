"""The audit: rows are appended, read and, after a time, deleted; none is ever changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import peewee

from agent_runtime.domain.access.audit import CLI, DONE, AuditEntry
from agent_runtime.storage.repositories.store import Store
from agent_runtime.storage.schema.runtime import ApiKeys, Audit
from agent_runtime.storage.sql.compiled import CompiledOnce
from agent_runtime.storage.sql.statements import bind
from agent_runtime.storage.sql.times import aware

# Before every entry.
_BEGINNING: Final = datetime(1, 1, 1, tzinfo=UTC)

_VALUES: Final = {
    Audit.at: bind("now", "timestamp"),
    Audit.actor: bind("actor"),
    Audit.operation: bind("operation"),
    Audit.result: bind("result"),
    Audit.agent_id: bind("agent_id", "integer"),
    Audit.session_id: bind("session_id"),
    Audit.tenant_id: bind("tenant_id", "integer"),
    Audit.key_id: bind("key_id"),
}


def audited_if(condition: peewee.Expression) -> peewee.Node:
    """INSERT of an entry about the key `key_id` if it meets the condition; binds what `about_key` gives."""
    source = ApiKeys.select(*_VALUES.values()).where(ApiKeys.id == bind("key_id"), condition)
    return Audit.insert_from(source, list(_VALUES))


def about_key(operation: str, key_id: str, tenant_id: int | None) -> dict[str, Any]:
    """The values of an entry about a command that makes or revokes a key."""
    return {
        "actor": CLI,
        "operation": operation,
        "result": DONE,
        "agent_id": None,
        "session_id": None,
        "tenant_id": tenant_id,
        "key_id": key_id,
    }


class StoredAudit(Store):
    """Implements the port AuditStore."""

    _append = CompiledOnce(lambda: Audit.insert(_VALUES))

    async def append(self, entries: Sequence[AuditEntry]) -> None:
        """Insert the entries in one transaction."""
        await self._database.write(
            *(
                self._append.bind(
                    now=self._database.moment(entry.at),
                    actor=entry.actor,
                    operation=entry.operation,
                    result=entry.result,
                    agent_id=entry.agent_id,
                    session_id=entry.session_id,
                    tenant_id=entry.tenant_id,
                    key_id=entry.key_id,
                )
                for entry in entries
            )
        )

    _read = CompiledOnce(
        lambda: (
            Audit.select(Audit.id, *_VALUES)
            .where(Audit.id > bind("after", "bigint"), Audit.at >= bind("since", "timestamp"))
            .order_by(Audit.id)
            .limit(bind("limit", "integer"))
        )
    )

    async def read(
        self, since: datetime | None, after: int, limit: int
    ) -> list[tuple[int, AuditEntry]]:
        """A page of the entries since then, in the order in which they were stored."""
        moment = self._database.moment(since or _BEGINNING)
        rows = await self._database.scan(self._read.bind(since=moment, after=after, limit=limit))
        return [(number, AuditEntry(aware(at), *values)) for number, at, *values in rows]

    _clear = CompiledOnce(
        lambda: (
            Audit.delete()
            .where(
                Audit.id.in_(
                    Audit.select(Audit.id)
                    .where(Audit.at < bind("before", "timestamp"))
                    .order_by(Audit.at)
                    .limit(bind("limit", "integer"))
                )
            )
            .returning(Audit.id)
        )
    )

    async def clear(self, before: datetime, limit: int) -> int:
        """Delete some of the oldest rows: few at once, since writers wait."""
        moment = self._database.moment(before)
        return len(await self._database.write(self._clear.bind(before=moment, limit=limit)))
