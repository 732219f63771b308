"""Counts and deletes the rows that creates left, directly in the database."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import psycopg2

from fixtures.processes.environ import inherited_environ
from fixtures.servers import PostgresServer
from load.http.variants import ROOM_PREFIX, Kind, Variant

_COUNT = (
    "SELECT count(*) FROM agent_instance_sessions WHERE status = 'connecting' AND room_name LIKE "
)
_LIKE = f"'{ROOM_PREFIX}%'"


@dataclass(frozen=True, slots=True)
class Stored:
    """The database of one service."""

    variant: Variant
    url: str

    @classmethod
    def fresh(
        cls, variant: Variant, postgres: PostgresServer, folder: Path, stack: ExitStack
    ) -> Self:
        """Create a database with the schema that the service needs; it exists for as long as `stack`."""
        if variant.kind is Kind.SQLITE:
            return cls(variant, f"sqlite:///{folder / 'sessions.sqlite3'}")
        shared_schema = bool(variant.migration)
        url = stack.enter_context(postgres.database(shared_schema=shared_schema))
        if variant.migration:
            subprocess.run(
                variant.migration,
                env={**inherited_environ(), "DATABASE_URL": url},
                cwd=folder,
                check=True,
                stdout=subprocess.DEVNULL,
            )
        return cls(variant, url)

    def count_created(self) -> int:
        """Number of sessions in rooms of the benchmark that wait for their agent."""
        with closing(self._connect()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(_COUNT + _LIKE)
            (number,) = cursor.fetchone()
            return int(number)

    def delete_created(self) -> None:
        """Delete those sessions, so that every run begins with the same tables."""
        with closing(self._connect()) as connection, closing(connection.cursor()) as cursor:
            for table in self.variant.session_tables:
                cursor.execute(f"DELETE FROM {table} WHERE room_name LIKE {_LIKE}")  # noqa: S608 - our names
            if self.variant.kind is Kind.POSTGRESQL:
                for table in self.variant.session_tables:
                    cursor.execute(f"VACUUM ANALYZE {table}")

    def _connect(self) -> Any:
        """A connection with autocommit."""
        if self.variant.kind is Kind.SQLITE:
            path = urlsplit(self.url).path.removeprefix("/")
            return sqlite3.connect(path, isolation_level=None, timeout=30)
        connection = psycopg2.connect(self.url)
        connection.autocommit = True
        return connection
