"""What every repository is: methods that run statements on one database."""

from __future__ import annotations

from agent_runtime.storage.sql.database import Database
from agent_runtime.storage.sql.dialects import Dialect


class Store:
    """Base of the repositories. Methods raise StoreUnavailable when the database is unreachable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def dialect(self) -> Dialect:
        """The dialect in which this repository's statements are compiled."""
        return self._database.dialect
