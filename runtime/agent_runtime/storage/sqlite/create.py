"""Creates and migrates an SQLite database: there the runtime owns the shared tables as well."""

from __future__ import annotations

import re
import sqlite3
import time
from pathlib import Path
from typing import Final

import peewee

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.storage.schema.migrations import apply_steps
from agent_runtime.storage.schema.shared.tables import SHARED_TABLES
from agent_runtime.storage.sqlite.modes import make_private

# Indexes for the runtime's queries on tables that grow. On PostgreSQL another team owns those tables.
INDEXES: Final = (
    "session_metrics (session_id)",
    "agent_instance_sessions (status)",
    "agent_instance_sessions (room_name)",
    "agent_instance_sessions (agent_id, started_at)",
    "agent_instance_sessions (tenant_id, started_at)",
    "agent_instance_sessions (runtime_instance_id)",
)
# Seconds to wait for another process that creates the same file: processes may start together.
SETUP_WAIT: Final = 10.0


def create_database(path: Path) -> None:
    """Create the database at `path`, or migrate it; safe from several processes at once.

    Raises StoreUnavailable when the file cannot be created or is not an SQLite database.
    """
    database = peewee.SqliteDatabase(str(path), timeout=SETUP_WAIT, pragmas={"secure_delete": "on"})
    try:
        make_private(path)
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
    """Put the open database's file into write-ahead mode, waiting while other processes use it.

    Raises sqlite3.DatabaseError when that fails or takes longer than `SETUP_WAIT`.
    """
    # The mode is a property of the file. While another process changes it, SQLite may answer "locked" at
    # once, whatever the timeout, and offers nothing to wait for. This bypasses Peewee, whose exceptions do
    # not carry SQLite's error code.
    connection = database.connection()
    deadline = time.monotonic() + SETUP_WAIT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            # The low byte; the others distinguish a recovery from a snapshot.
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
