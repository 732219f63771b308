"""API keys and the audit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from agent_runtime.domain.access.audit import AuditEntry
from agent_runtime.domain.access.keys import ApiKey


class KeyStore(Protocol):
    """The keys. Methods raise StoreUnavailable; times are aware and in UTC."""

    async def create(self, key: ApiKey) -> None:
        """Store a key, and the audit's entry with it. Raises TooManyKeys."""

    async def revoke(self, key_id: str, now: datetime) -> bool:
        """Make the key invalid for good, with the audit's entry; False when it was already."""

    async def valid(self, now: datetime) -> Sequence[ApiKey]:
        """The keys that are neither revoked nor expired."""

    async def all(self) -> Sequence[ApiKey]:
        """Every key, the oldest first."""

    async def exist(self) -> bool:
        """Whether any key was ever made, valid or not."""

    async def mark_used(self, key_id: str, day: date) -> None:
        """Record the last day on which the key was used."""


class AuditStore(Protocol):
    """The audit. Methods raise StoreUnavailable; times are aware and in UTC."""

    async def append(self, entries: Sequence[AuditEntry]) -> None:
        """Store the entries, all or none."""

    async def read(
        self, since: datetime | None, after: int, limit: int
    ) -> Sequence[tuple[int, AuditEntry]]:
        """At most `limit` entries since then after number `after`, in order, with their numbers."""

    async def clear(self, before: datetime, limit: int) -> int:
        """Delete at most `limit` entries older than `before`; returns how many."""
