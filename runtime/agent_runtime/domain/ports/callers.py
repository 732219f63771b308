"""What is stored of callers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from agent_runtime.domain.callers.erasure import Finding


class CallerRecords(Protocol):
    """The rows that name a caller, in all tables. Methods raise StoreUnavailable."""

    async def find(self, identity: str, sessions: Iterable[str] = ()) -> Finding:
        """The rows of the caller of this identity, and of further `sessions` that were theirs."""

    async def erase(self, identity: str) -> None:
        """Erase the caller from these rows."""
