"""The API keys. A row stays when its key is revoked, so that the audit's ids keep their meaning."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

import peewee
from peewee import fn

from agent_runtime.domain.access.keys import (
    MAX_VALID,
    MAX_VALID_OF_A_NAME,
    ApiKey,
    Scope,
    TooManyKeys,
)
from agent_runtime.storage.repositories.access.audit import about_key, audited_if
from agent_runtime.storage.repositories.store import Store
from agent_runtime.storage.schema.runtime import ApiKeys
from agent_runtime.storage.sql.compiled import CompiledOnce
from agent_runtime.storage.sql.statements import bind
from agent_runtime.storage.sql.times import aware

_COLUMNS: Final = (
    ApiKeys.id,
    ApiKeys.name,
    ApiKeys.digest,
    ApiKeys.scopes,
    ApiKeys.tenant_id,
    ApiKeys.created_at,
    ApiKeys.expires_at,
    ApiKeys.revoked_at,
    ApiKeys.last_used,
)
_SCOPES: Final = frozenset(scope.value for scope in Scope)
_NOW: Final = bind("now", "timestamp")
_THIS: Final = ApiKeys.id == bind("key_id")
_VALID: Final = ApiKeys.revoked_at.is_null() & (
    ApiKeys.expires_at.is_null() | (ApiKeys.expires_at > _NOW)
)


def _key_row() -> peewee.Node:
    """INSERT of a key if there are not too many valid ones."""
    values = {
        ApiKeys.id: bind("key_id"),
        ApiKeys.name: bind("name"),
        ApiKeys.digest: bind("digest"),
        ApiKeys.scopes: bind("scopes"),
        ApiKeys.tenant_id: bind("tenant_id", "integer"),
        ApiKeys.created_at: _NOW,
        ApiKeys.expires_at: bind("expires_at", "timestamp"),
    }
    valid = ApiKeys.select(fn.COUNT(ApiKeys.id)).where(_VALID)
    namesakes = valid.where(ApiKeys.name == bind("name"))
    source = peewee.Select(columns=tuple(values.values())).where(
        peewee.Expression(valid, "<", MAX_VALID),
        peewee.Expression(namesakes, "<", MAX_VALID_OF_A_NAME),
    )
    return ApiKeys.insert_from(source, list(values))


class StoredKeys(Store):
    """Implements the port KeyStore."""

    _insert = CompiledOnce(_key_row)
    _audit = CompiledOnce(lambda: audited_if(ApiKeys.created_at == _NOW))
    _made = CompiledOnce(lambda: ApiKeys.select(ApiKeys.id).where(_THIS))

    async def create(self, key: ApiKey) -> None:
        """Insert the row and the audit's entry in one transaction."""
        now = self._moment(key.created_at)
        made = await self._database.write(
            self._insert.bind(
                key_id=key.id,
                name=key.name,
                digest=key.digest,
                scopes=",".join(sorted(key.scopes)),
                tenant_id=key.tenant_id,
                now=now,
                expires_at=self._moment(key.expires_at),
            ),
            self._audit.bind(**about_key("keys create", key.id, key.tenant_id), now=now),
            self._made.bind(key_id=key.id),
        )
        if not made:
            raise TooManyKeys(
                f"{MAX_VALID_OF_A_NAME} keys named {key.name} are valid, or {MAX_VALID} of any name: "
                "revoke one first"
            )

    _revoke = CompiledOnce(
        lambda: ApiKeys.update({ApiKeys.revoked_at: _NOW}).where(
            _THIS, ApiKeys.revoked_at.is_null()
        )
    )
    _audit_revoked = CompiledOnce(lambda: audited_if(ApiKeys.revoked_at == _NOW))
    _revoked = CompiledOnce(
        lambda: ApiKeys.select(ApiKeys.id).where(_THIS, ApiKeys.revoked_at == _NOW)
    )

    async def revoke(self, key_id: str, now: datetime) -> bool:
        """Set the time of the revocation, once."""
        moment = self._moment(now)
        done = await self._database.write(
            self._revoke.bind(key_id=key_id, now=moment),
            self._audit_revoked.bind(**about_key("keys revoke", key_id, None), now=moment),
            self._revoked.bind(key_id=key_id, now=moment),
        )
        return bool(done)

    # Creating bounds their number; two commands at once may exceed it by one.
    _valid = CompiledOnce(
        lambda: ApiKeys.select(*_COLUMNS).where(_VALID).order_by(ApiKeys.id).limit(2 * MAX_VALID)
    )

    async def valid(self, now: datetime) -> Sequence[ApiKey]:
        """The valid keys."""
        return _keys(await self._database.read(self._valid.bind(now=self._moment(now))))

    _all = CompiledOnce(lambda: ApiKeys.select(*_COLUMNS).order_by(ApiKeys.created_at, ApiKeys.id))

    async def all(self) -> Sequence[ApiKey]:
        """Every key."""
        return _keys(await self._database.scan(self._all.bind()))

    _exist = CompiledOnce(lambda: ApiKeys.select(ApiKeys.id).limit(1))

    async def exist(self) -> bool:
        """Whether the table has a row."""
        return bool(await self._database.read(self._exist.bind()))

    _mark_used = CompiledOnce(
        lambda: ApiKeys.update({ApiKeys.last_used: bind("day", "date")}).where(
            _THIS, ApiKeys.last_used.is_null() | (ApiKeys.last_used < bind("day", "date"))
        )
    )

    async def mark_used(self, key_id: str, day: date) -> None:
        """Write the day unless it, or a later one, is there already."""
        await self._database.write(self._mark_used.bind(key_id=key_id, day=day.isoformat()))

    def _moment(self, moment: datetime | None) -> Any:
        return None if moment is None else self._database.moment(moment)


def _keys(rows: Sequence[tuple[Any, ...]]) -> list[ApiKey]:
    return [
        ApiKey(
            id=key_id,
            name=name,
            digest=digest,
            # A scope of a later version of the runtime allows nothing here.
            scopes=frozenset(Scope(one) for one in scopes.split(",") if one in _SCOPES),
            tenant_id=tenant_id,
            created_at=aware(created_at),
            expires_at=None if expires_at is None else aware(expires_at),
            revoked_at=None if revoked_at is None else aware(revoked_at),
            # SQLite returns text.
            last_used=date.fromisoformat(last_used) if isinstance(last_used, str) else last_used,
        )
        for (
            key_id,
            name,
            digest,
            scopes,
            tenant_id,
            created_at,
            expires_at,
            revoked_at,
            last_used,
        ) in rows
    ]
