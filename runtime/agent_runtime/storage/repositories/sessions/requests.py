"""Creates with an Idempotency-Key, so that one that its client sends again makes no second session."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import peewee

from agent_runtime.domain.ports.sessions import Remembered
from agent_runtime.storage.repositories.live import THIS_LIVE
from agent_runtime.storage.repositories.sessions.rows import COLUMNS, session_from
from agent_runtime.storage.repositories.store import Store
from agent_runtime.storage.schema.runtime import LiveSessions, Requests
from agent_runtime.storage.schema.shared.platform import Tenants
from agent_runtime.storage.schema.shared.sessions import Sessions
from agent_runtime.storage.sql.compiled import CompiledOnce
from agent_runtime.storage.sql.statements import bind, single
from agent_runtime.storage.sql.times import aware

# How long a key is remembered: as long as clients of other services expect it.
KEPT: Final = timedelta(days=1)
_KEY: Final = Requests.key == bind("key")
_OLDEST: Final = bind("oldest", "timestamp")


class StoredRequests(Store):
    """Implements the port RequestStore."""

    _find = CompiledOnce(
        lambda: (
            Requests.select(
                Requests.body,
                Requests.session_id,
                Requests.is_answered,
                Requests.created_at,
                *COLUMNS,
            )
            .join(
                Sessions,
                peewee.JOIN.LEFT_OUTER,
                on=(Sessions.session_id == Requests.session_id),
            )
            .where(_KEY, Requests.created_at >= _OLDEST)
        )
    )

    async def find(self, key: str) -> Remembered | None:
        """The request of this key, unless it is older than a day."""
        oldest = self._database.moment(datetime.now(UTC) - KEPT)
        row = single(await self._database.read(self._find.bind(key=key, oldest=oldest)))
        if row is None:
            return None
        body, session_id, is_answered, at, *session = row
        return Remembered(
            body,
            None if session[0] is None else session_from(tuple(session)),
            session_id,
            bool(is_answered),
            aware(at),
        )

    _answered = CompiledOnce(lambda: Requests.update({Requests.is_answered: 1}).where(_KEY))

    async def answered(self, key: str) -> None:
        """Record that the client is answered with the session."""
        await self._database.write(self._answered.bind(key=key))

    _forget = CompiledOnce(
        lambda: Requests.delete().where(_KEY, Requests.session_id == bind("session_id"))
    )

    async def forget(self, key: str, session_id: str) -> None:
        """Forget the request that made this session."""
        await self._database.write(self._forget.bind(key=key, session_id=session_id))


class StoredTenants(Store):
    """Implements the port TenantStore."""

    _quota = CompiledOnce(
        lambda: Tenants.select(Tenants.resource_quota).where(
            Tenants.id == bind("tenant_id", "integer")
        )
    )

    async def resource_quota(self, tenant_id: int) -> str | None:
        """The column `resource_quota` of the tenant's row."""
        row = single(await self._database.read(self._quota.bind(tenant_id=tenant_id)))
        return None if row is None else row[0]


def delete_old() -> peewee.Node:
    """DELETE of the requests that are older than `oldest`."""
    return Requests.delete().where(Requests.created_at < _OLDEST)


def insert_request() -> peewee.Node:
    """INSERT of a request if the live row of its session was inserted; fails when its key is there."""
    row = {
        Requests.key: bind("key"),
        Requests.body: bind("body"),
        Requests.session_id: bind("session_id"),
        Requests.is_answered: bind("is_answered", "integer"),
        Requests.created_at: bind("now", "timestamp"),
    }
    return Requests.insert_from(LiveSessions.select(*row.values()).where(THIS_LIVE), list(row))
