"""Creates the shared schema on a PostgreSQL of one's own: for trials, tests and development.

Where the platform's own tool makes and migrates these tables, only `migrations.py` has work to do.
"""

from __future__ import annotations

import peewee

from agent_runtime.storage.schema.fields import Enum
from agent_runtime.storage.schema.migrations import (
    MIGRATION_LOCK,
    apply_steps,
    postgres_transaction,
)
from agent_runtime.storage.schema.shared.tables import SHARED_TABLES


def create_schema(url: str) -> list[str]:
    """Create the shared tables and the runtime's own; safe to run again, and from several processes.

    A database that holds some of the shared tables, but not all, belongs to another tool: nothing is
    created, and the names of the missing tables are returned. Raises StoreUnavailable when the database is
    unreachable.
    """
    with postgres_transaction(url) as database:
        database.execute_sql("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
        there = set(database.get_tables())
        names = [model._meta.table_name for model in SHARED_TABLES]  # noqa: SLF001 - Peewee's documented name
        missing = [name for name in names if name not in there]
        if 0 < len(missing) < len(names):
            return missing
        for model in SHARED_TABLES:
            for field in model._meta.sorted_fields:  # noqa: SLF001 - Peewee's documented name
                if isinstance(field, Enum):
                    _create_type(database, field)
        with database.bind_ctx(SHARED_TABLES):
            database.create_tables(SHARED_TABLES)
        apply_steps(database)
    return []


def _create_type(database: peewee.PostgresqlDatabase, field: Enum) -> None:
    exists = database.execute_sql(
        "SELECT 1 FROM pg_type WHERE typname = %s AND typnamespace = current_schema()::regnamespace",
        (field.field_type,),
    ).fetchone()
    if not exists:
        values = ", ".join(f"'{value}'" for value in field.values)
        database.execute_sql(f'CREATE TYPE "{field.field_type}" AS ENUM ({values})')
