"""The port that repositories use: a database that runs compiled statements."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from agent_runtime.domain.errors import Conflict, InvalidInput
from agent_runtime.storage.sql.dialects import Dialect
from agent_runtime.storage.sql.statements import Step

Rows = Sequence[tuple[Any, ...]]

# Characters of the longest key: the schema's varchar(255).
LONGEST_KEY: Final = 255
# Seconds for a unit of work on a few rows. The API must answer 503 within a second while the database
# is away; this leaves it the time to do so.
STATEMENT_TIMEOUT: Final = 0.9
# Seconds for a query that sums up many rows, such as the metrics of a tenant.
SCAN_TIMEOUT: Final = 10.0


def can_be_stored(text: str) -> bool:
    """Whether a key column can hold the text: no NUL, at most 255 characters.

    No row has any other key, so a lookup can be skipped.
    """
    return "\0" not in text and len(text) <= LONGEST_KEY


class UnstorableError(InvalidInput):
    """Raised when the database cannot store a text, since its encoding is not UTF-8."""

    remedy = (
        "make a database with ENCODING 'UTF8'; `agent-runtime db check` shows the present encoding"
    )


class DuplicateError(Conflict):
    """Raised when a row with this key exists; nothing of the unit of work was stored."""

    remedy = "use another key"


class StatementRefused(Conflict):
    """Raised when PostgreSQL refuses a statement for another reason; nothing of it was stored."""

    remedy = (
        "look up the SQLSTATE in PostgreSQL's manual, appendix A; `agent-runtime db check` may tell"
    )


class Database(Protocol):
    """Runs compiled statements. Every method raises StoreUnavailable when the database is unreachable."""

    dialect: Dialect

    async def read(self, step: Step) -> Rows:
        """Rows of a query on a few rows; tried again once when the connection was dead."""

    async def read_live(self, step: Step) -> Rows:
        """Rows of a query over all live sessions or workers; never waits for a `scan`."""

    async def scan(self, step: Step) -> Rows:
        """Rows of a query that may take long. Few run at once, so that other queries go on."""

    async def write(self, *steps: Step) -> Rows:
        """Run the steps as one transaction; returns the rows of the last. Raises DuplicateError."""

    def lock(self, agent_id: int) -> tuple[Step, ...]:
        """Steps that begin a transaction and that serialise the transactions of one agent."""

    def moment(self, moment: datetime) -> Any:
        """An aware time as the database stores it: UTC without a zone."""

    def now(self) -> Any:
        """The current time by this process's clock, as the database stores it."""

    def scrub(self) -> None:
        """Soon overwrite what deleted and replaced rows have left in files of the database.

        SQLite's write-ahead log keeps old pages until it is truncated. PostgreSQL's files are its own
        business: its VACUUM does as much.
        """

    async def rewrite(self) -> None:
        """Write an SQLite file anew, and nothing into it of what was ever deleted; may take long."""

    async def check(self) -> None:
        """Return when the database is usable and the runtime's tables are current."""

    async def close(self) -> None:
        """Close every connection."""
