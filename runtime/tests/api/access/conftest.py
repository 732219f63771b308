"""An API on each database, and keys in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent_runtime.storage.schema.development import create_schema
from fixtures.runtime_client.judged_api import JudgedApi
from fixtures.servers import PostgresServer
from runtime.tests.api.start import StartApi


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The URL of a fresh database."""
    if request.param == "sqlite":
        folder: Path = tmp_path_factory.mktemp("database")
        yield f"sqlite:///{folder / 'api.sqlite3'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with server.database() as url:
        create_schema(url)
        yield url


@pytest.fixture(scope="module")
def keyed_api(start_api: StartApi, database: str) -> Iterator[JudgedApi]:
    """An API with the platform's key on that database."""
    with start_api(DATABASE_URL=database) as api:
        yield api
