"""What the stores need from a database, whichever it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from agent_runtime.domain.errors import Conflict
from agent_runtime.storage.sql.statements import Dialect, Step

Rows = Sequence[tuple[Any, ...]]

LONGEST_KEY: Final = 255  # characters
# The API answers 503 within a second while the database is away; this leaves it time to say so.
PATIENCE: Final = 0.9  # seconds for a statement that touches a few rows
SCAN_PATIENCE: Final = 10.0  # seconds for one that sums up many


def naive_utc(moment: datetime) -> datetime:
    """An aware time as the schema's `timestamp` columns hold it: in UTC, without a zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def can_be_stored(text: str) -> bool:
    """False for what no key can hold, so that looking for it is in vain: NUL, or over 255 characters."""
    return "\0" not in text and len(text) <= LONGEST_KEY


class DuplicateError(Conflict):
    """Raised when a row with this key exists; nothing of the unit of work was stored."""

    remedy = "use another key"


class Database(Protocol):
    """Runs compiled statements. Every method raises StoreUnavailable when the database is away."""

    dialect: Dialect

    async def read(self, step: Step) -> Rows:
        """Rows of a query that touches a few; tried again once when the connection was dead."""

    async def look(self, step: Step) -> Rows:
        """Rows of a query over all that live; never behind a `scan`."""

    async def scan(self, step: Step) -> Rows:
        """Rows of a query that may take long; few run at once, so that they stop nothing else."""

    async def write(self, *steps: Step) -> Rows:
        """Run the steps as one transaction; returns the rows of the last. Raises DuplicateError."""

    def lock(self, agent_id: int) -> tuple[Step, ...]:
        """Steps that make the transaction they begin the only one that touches this agent."""

    def moment(self, moment: datetime) -> Any:
        """An aware time as the database stores it: UTC without a zone."""

    def now(self) -> Any:
        """The time that it is for this process, as the database stores it."""

    async def check(self) -> None:
        """Return when it is usable and our own tables are current."""

    async def close(self) -> None:
        """Close every connection."""
