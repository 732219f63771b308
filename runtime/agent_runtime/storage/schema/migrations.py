"""The versioned steps that make the runtime's own tables.

A released step is text that never changes: a step derived from the models would make another table
as soon as they change. A test compares the tables that all steps make with the models in `runtime.py`.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import peewee
from peewee import fn

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.secrecy.urls import hide_in_text
from agent_runtime.storage.schema.runtime import SchemaVersion
from agent_runtime.storage.schema.steps import STEPS
from agent_runtime.storage.sql.postgres_url import read_postgres_url
from agent_runtime.storage.sql.times import naive_utc

OUTDATED: Final = "the runtime's tables are missing or outdated: run `agent-runtime db migrate`"

# Key of the advisory lock under which PostgreSQL is migrated: an arbitrary number, the same in every
# version of the runtime.
MIGRATION_LOCK: Final = 7_236_001


LATEST_VERSION: Final = STEPS[-1].version

_VERSIONS: Final = """
    CREATE TABLE IF NOT EXISTS runtime_schema_version (
        version integer NOT NULL PRIMARY KEY,
        applied_at timestamp NOT NULL
    )
"""


def applied_version() -> peewee.ModelSelect[SchemaVersion]:
    """The query for the version of the runtime's tables; 0 when no step was applied."""
    return SchemaVersion.select(fn.COALESCE(fn.MAX(SchemaVersion.version), 0))


def apply_steps(database: peewee.Database) -> list[int]:
    """Apply the missing steps in the caller's transaction; returns the versions that were applied."""
    database.execute_sql(_VERSIONS)
    current: int = database.execute(applied_version()).fetchone()[0]
    is_sqlite = isinstance(database, peewee.SqliteDatabase)
    serial = "INTEGER PRIMARY KEY" if is_sqlite else "SERIAL PRIMARY KEY"
    applied = []
    for step in STEPS:
        if step.version > current:
            for statement in (*step.statements, *(() if is_sqlite else step.postgresql)):
                database.execute_sql(statement.format(serial=serial))
            now = naive_utc(datetime.now(UTC))
            database.execute(SchemaVersion.insert(version=step.version, applied_at=now))
            applied.append(step.version)
    return applied


@contextmanager
def postgres_transaction(url: str) -> Iterator[peewee.PostgresqlDatabase]:
    """A transaction on a blocking connection of its own: for setup, not for serving.

    Raises StoreUnavailable when no connection can be made.
    """
    parameters: dict[str, Any] = {"connect_timeout": 5, **read_postgres_url(url).parameters}
    # libpq's own default for the name; Peewee needs one.
    name = parameters.pop("dbname", None) or parameters.get("user") or getpass.getuser()
    database = peewee.PostgresqlDatabase(name, **parameters)
    try:
        database.connect()
    except peewee.OperationalError as error:
        raise StoreUnavailable(f"PostgreSQL: {_first_line(error)}") from None
    try:
        with database.atomic():
            yield database
    except peewee.DatabaseError as error:
        raise StoreUnavailable(f"PostgreSQL: {_first_line(error)}") from None
    finally:
        database.close()


def _first_line(error: peewee.DatabaseError) -> str:
    """The first line of the message: those below quote the statement, and values."""
    lines = str(error).strip().splitlines()
    return hide_in_text(lines[0]) if lines else type(error).__name__


def migrate_postgres(url: str) -> list[int]:
    """Migrate the runtime's own tables; returns the versions applied now, none when all are current.

    Safe to run from several processes at once: one migrates, and the others wait and find nothing to do.
    Raises StoreUnavailable when the database is unreachable.
    """
    with postgres_transaction(url) as database:
        database.execute_sql("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
        return apply_steps(database)
