"""Runs each test of the repositories on SQLite and on a real PostgreSQL, with and without PREPARE."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from agent_runtime.storage import (
    Database,
    RegisteredAgents,
    StoredMetrics,
    StoredSessions,
    open_database,
)
from agent_runtime.storage.schema.development import create_schema
from fixtures.servers import PostgresServer, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def empty_postgres(postgres: PostgresServer) -> Iterator[str]:
    """URL of a database without any table."""
    with postgres.database() as url:
        yield url


@pytest.fixture
def postgres_url(empty_postgres: str) -> str:
    """URL of a database with the shared schema and the runtime's own tables."""
    create_schema(empty_postgres)
    return empty_postgres


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """URL of a file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'runtime.sqlite3'}"


@pytest.fixture(params=["sqlite", "postgresql", "postgresql-unprepared"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """The kind of database; unprepared is how it is used behind PgBouncer."""
    kind: str = request.param
    return kind


@pytest.fixture
def url(request: pytest.FixtureRequest, database_kind: str) -> str:
    """URL of a database that is ready for use."""
    name = "sqlite_url" if database_kind == "sqlite" else "postgres_url"
    found: str = request.getfixturevalue(name)
    return found


@pytest.fixture
async def database(url: str, database_kind: str) -> AsyncIterator[Database]:
    """An open database."""
    opened = open_database(url, prepare=database_kind != "postgresql-unprepared", pool_size=8)
    yield opened
    await opened.close()


@pytest.fixture
def sessions(database: Database) -> StoredSessions:
    """The sessions of the database."""
    return StoredSessions(database)


@pytest.fixture
def agents(database: Database, sessions: StoredSessions) -> RegisteredAgents:
    """The registered agents of the database."""
    return RegisteredAgents(database, sessions)


@pytest.fixture
def metrics(database: Database) -> StoredMetrics:
    """The metrics of the database."""
    return StoredMetrics(database)
