"""Making the embedded database: on SQLite every table is ours, the thirteen of the shared schema too."""

from __future__ import annotations

import re
import sqlite3
import time
from pathlib import Path
from typing import Final

import peewee

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.storage.schema.migrations import apply_steps
from agent_runtime.storage.schema.shared import SHARED_TABLES

# What the runtime looks for in tables that grow. On PostgreSQL the shared tables are another team's.
INDEXES: Final = (
    "session_metrics (session_id)",
    "agent_instance_sessions (status)",
    "agent_instance_sessions (room_name)",
    "agent_instance_sessions (agent_id, started_at)",
    "agent_instance_sessions (tenant_id, started_at)",
    "agent_instance_sessions (runtime_instance_id)",
)
# Processes that start together all make the file; whoever comes later waits for the first.
SETUP_WAIT: Final = 10.0


def make_embedded(path: Path) -> None:
    """Make the database at `path`, or bring it up to date; safe from several processes at once.

    Raises StoreUnavailable when the file cannot be made or is no SQLite database.
    """
    database = peewee.SqliteDatabase(str(path), timeout=SETUP_WAIT)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with database.connection_context():
            use_write_ahead_log(database)
            with database.bind_ctx(SHARED_TABLES), database.atomic("IMMEDIATE"):
                database.create_tables(SHARED_TABLES)
                apply_steps(database)
                _create_indexes(database)
    except (OSError, peewee.DatabaseError, sqlite3.DatabaseError) as error:
        raise StoreUnavailable(f"SQLite: {path}: {error}") from error


def _create_indexes(database: peewee.SqliteDatabase) -> None:
    for index in INDEXES:
        name = "runtime_" + re.sub(r"\W+", "_", index).strip("_")
        database.execute_sql(f"CREATE INDEX IF NOT EXISTS {name} ON {index}")


def use_write_ahead_log(database: peewee.SqliteDatabase) -> None:
    """Put the open database's file into write-ahead mode, waiting while others are busy with it.

    Raises sqlite3.DatabaseError when it cannot be, or is not within `SETUP_WAIT`.
    """
    # The mode is a property of the file. SQLite may answer "locked" at once while another process
    # changes it, whatever the timeout, and offers nothing to wait for. Asked without Peewee, whose
    # exceptions do not carry SQLite's code.
    connection = database.connection()
    deadline = time.monotonic() + SETUP_WAIT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            # The low byte: the others say who is busy, recovery or a snapshot.
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
