"""Databases for our API when the gate starts it: fresh, and emptied between replays."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg2

from contract.errors import TargetMisbehaved
from contract.options import ROOT
from fixtures.servers.postgres import postgres_server
from fixtures.stack.stack import command

# The tables that belong to someone else; the service itself only makes its own.
SHARED_SCHEMA: Final = ROOT / "fixtures/servers/shared_schema.sql"
# What the service remembers of its migrations is no state of its clients.
_KEPT: Final = "runtime_schema_version"


@dataclass(frozen=True, slots=True)
class Database:
    """A database by its URL, and what empties it while the service runs."""

    url: str
    prepare: Callable[[Mapping[str, str]], Awaitable[None]]
    empty: Callable[[], None]


@contextmanager
def database(kind: str) -> Iterator[Database]:
    """A fresh database, `sqlite` or `postgresql`."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="parity-") as folder:
            path = Path(folder) / "runtime.sqlite3"
            yield Database(f"sqlite:///{path}", _nothing, lambda: _empty_sqlite(path))
    else:
        with postgres_server() as server, server.database() as url:
            with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
                cursor.execute(SHARED_SCHEMA.read_text("utf-8"))
                connection.commit()
            yield Database(url, _migrate, lambda: _empty_postgres(url))


async def _nothing(_environ: Mapping[str, str]) -> None:
    """SQLite's tables are made by the service when it starts."""


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
