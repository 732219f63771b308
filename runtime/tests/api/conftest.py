"""The API as a process on SQLite; every response is checked against openapi.yaml."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from agent_runtime.storage.schema.development import create_schema
from fixtures.runtime_client.api_contract import ApiContract
from fixtures.runtime_client.judged_api import DEFAULT_KEY, JudgedApi
from fixtures.servers import LiveKitServer, PostgresServer, livekit_server, postgres_server
from fixtures.stack import Stack, StackSettings
from runtime.tests.api.start import StartApi

CONTRACT: Final = Path(__file__).parents[3] / "openapi.yaml"


@pytest.fixture(scope="session")
def contract() -> ApiContract:
    """The contract that openapi.yaml states."""
    return ApiContract.load(CONTRACT)


@pytest.fixture(scope="session")
def livekit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitServer]:
    """A LiveKit server."""
    with livekit_server(tmp_path_factory.mktemp("livekit")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def postgres_database(postgres: PostgresServer) -> Iterator[str]:
    """A fresh database with the shared schema and our own tables."""
    with postgres.database() as url:
        create_schema(url)
        yield url


@pytest.fixture(scope="session")
def start_api(
    livekit: LiveKitServer, contract: ApiContract, tmp_path_factory: pytest.TempPathFactory
) -> StartApi:
    """Starts an API for the length of a context; `environ` overrides its default settings."""

    @contextmanager
    def start(key: str = DEFAULT_KEY, **environ: str) -> Iterator[JudgedApi]:
        folder = tmp_path_factory.mktemp("api")
        stack = Stack(
            StackSettings(
                livekit_url=livekit.url,
                livekit_api_key=livekit.api_key,
                livekit_api_secret=livekit.api_secret,
                database_url=f"sqlite:///{folder / 'api.sqlite3'}",
                log_folder=folder,
                api_key=key,
                environ=environ,
            )
        )
        try:
            process = stack.start_api()
            yield JudgedApi(stack.api_port, contract, key, process)
        finally:
            stack.stop()

    return start


@pytest.fixture(scope="session")
def api(start_api: StartApi) -> Iterator[JudgedApi]:
    """An API that all tests share; each test uses ids of its own."""
    with start_api() as running:
        yield running
