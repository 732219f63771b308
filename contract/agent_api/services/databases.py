"""Databases for our API: fresh for each run, and emptied between replays."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg2

from contract.agent_api.model.state import FIGURES
from contract.errors import TargetMisbehaved
from fixtures.servers.postgres import postgres_server
from fixtures.stack.stack import command

# The tables that belong to the platform; the service creates only its own.
SHARED_SCHEMA: Final = Path(__file__).parents[3] / "fixtures/servers/shared_schema.sql"
# Renaming these columns breaks every operation that uses the database.
_COLUMNS: Final = (
    ("runtime_registrations", "agent_id"),
    ("agent_instance_sessions", "session_id"),
)
_BREAK: Final = [f"ALTER TABLE {table} RENAME COLUMN {name} TO broken" for table, name in _COLUMNS]
_MEND: Final = [f"ALTER TABLE {table} RENAME COLUMN broken TO {name}" for table, name in _COLUMNS]
# SQLite cannot be unreachable; without its tables it counts as away.
_ASIDE: Final = "aside_"
# One row of metrics for each session of a room; the columns are those of the shared schema.
_NAMES: Final = ("messages", "agent_messages", "latency", "cost")
_INSERT: Final = """\
INSERT INTO session_metrics (session_id, agent_id, tenant_id, date, message_count, user_message_count,
  agent_message_count, avg_stt_latency, avg_tts_latency, avg_llm_latency, total_tokens, input_tokens,
  output_tokens, total_cost, langfuse_cost, error_count, metadata, created_at, updated_at)
SELECT session_id, agent_id, tenant_id, DATE(started_at), {messages}, {said}, {agent_messages}, 11, 12,
  {latency}, 0, 0, 0, {cost}, 0, 0, '{{}}', started_at, started_at
FROM agent_instance_sessions WHERE room_name = '{room}'"""
_STORE: Final = [
    _INSERT.format(
        said=row.messages - row.agent_messages, room=room, **{n: getattr(row, n) for n in _NAMES}
    )
    for room, rows in FIGURES.items()
    for row in rows
]
# The service's record of its migrations is no state of its clients.
_KEPT: Final = "runtime_schema_version"


@dataclass(frozen=True, slots=True)
class Database:
    """A database by its URL.

    `prepare` creates the tables, given the service's environment; `empty` empties them while the service
    runs. `changes` has the action for each fault and each change of the profile that concern the database.
    """

    url: str
    prepare: Callable[[Mapping[str, str]], Awaitable[None]]
    empty: Callable[[], None]
    changes: Mapping[str, Callable[[], None]]


@contextmanager
def database(kind: str) -> Iterator[Database]:
    """A fresh database, `sqlite` or `postgresql`."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="parity-") as folder:
            path = Path(folder) / "runtime.sqlite3"
            changes = {
                "database-away": lambda: _rename_tables(path, aside=True),
                "database-back": lambda: _rename_tables(path, aside=False),
                "database-broken": lambda: _sqlite(path, _BREAK),
                "database-mended": lambda: _sqlite(path, _MEND),
                "figures-stored": lambda: _sqlite(path, _STORE),
            }
            yield Database(f"sqlite:///{path}", _nothing, lambda: _empty_sqlite(path), changes)
    else:
        with postgres_server() as server, server.database() as url:
            with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
                cursor.execute(SHARED_SCHEMA.read_text("utf-8"))
                connection.commit()
            changes = {
                "database-away": lambda: _allow_connections(server.url, url, allowed=False),
                "database-back": lambda: _allow_connections(server.url, url, allowed=True),
                "database-broken": lambda: _postgres(url, _BREAK),
                "database-mended": lambda: _postgres(url, _MEND),
                "figures-stored": lambda: _postgres(url, _STORE),
            }
            yield Database(url, _migrate, lambda: _empty_postgres(url), changes)


async def _nothing(_environ: Mapping[str, str]) -> None:
    """The service itself creates the tables of SQLite when it starts."""


async def _migrate(environ: Mapping[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        command(),
        "db",
        "migrate",
        env=dict(environ),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    words, _ = await process.communicate()
    if process.returncode != 0:
        raise TargetMisbehaved(f"agent-runtime db migrate failed: {words.decode()[-1000:]}")


def _sqlite(path: Path, statements: Iterable[str]) -> None:
    with closing(sqlite3.connect(path, timeout=10)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def _postgres(url: str, statements: Iterable[str]) -> None:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


def _rename_tables(path: Path, *, aside: bool) -> None:
    with closing(sqlite3.connect(path, timeout=10)) as connection:
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
    pairs = [(name, _ASIDE + name if aside else name.removeprefix(_ASIDE)) for (name,) in names]
    _sqlite(path, [f'ALTER TABLE "{old}" RENAME TO "{new}"' for old, new in pairs])


def _allow_connections(server: str, url: str, *, allowed: bool) -> None:
    name = url.rpartition("/")[2]
    statements = [f"ALTER DATABASE {name} ALLOW_CONNECTIONS {str(allowed).lower()}"]
    if not allowed:
        statements.append(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608 - a name of ours
        )
    _postgres(server, statements)


def _empty_sqlite(path: Path) -> None:
    with closing(sqlite3.connect(path, timeout=10)) as connection:
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        for (name,) in names:
            if name != _KEPT:
                connection.execute(f'DELETE FROM "{name}"')  # noqa: S608 - names of tables
        connection.commit()


def _empty_postgres(url: str) -> None:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        names = [name for (name,) in cursor.fetchall() if name != _KEPT]
        tables = ", ".join(f'"{name}"' for name in names)
        cursor.execute(f"TRUNCATE {tables} CASCADE")
        connection.commit()
