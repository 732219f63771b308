"""A real worker on a real livekit-server, with provider stand-ins and SQLite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import count
from typing import Final

import pytest

from agent_runtime.livekit_api.rooms import LiveKitRooms
from agent_runtime.providers.common.spec import ProviderDefaults, Stage
from agent_runtime.settings import LiveKitSettings, WorkerSettings
from agent_runtime.storage import (
    Database,
    RegisteredAgents,
    StoredLeases,
    StoredMetrics,
    StoredSessions,
    StoredTextIds,
    StoredTranscripts,
    StoredWorkers,
    open_database,
)
from agent_runtime.voice.jobs.settings import VoiceSettings
from agent_runtime.voice.jobs.stores import Stores
from fixtures.agents.rows import AgentRows
from fixtures.providers import provider_environ
from fixtures.providers.process import stand_in_process
from fixtures.servers import LiveKitServer, livekit_server
from fixtures.speech import Recogniser
from fixtures.speech.sentences import every_sentence
from fixtures.stack import Stack, StackSettings

AGENT_IDS: Final = count(100)
NOWHERE: Final = "http://127.0.0.1:1"  # nobody listens on this port


@pytest.fixture(scope="session")
def livekit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitServer]:
    """A LiveKit server."""
    with livekit_server(tmp_path_factory.mktemp("livekit")) as server:
        yield server


@pytest.fixture(scope="session")
def worker_stack(
    livekit: LiveKitServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """A worker that all tests share, without an API."""
    folder = tmp_path_factory.mktemp("worker")
    with stand_in_process(folder) as providers:
        stack = Stack(
            StackSettings(
                livekit_url=livekit.url,
                livekit_api_key=livekit.api_key,
                livekit_api_secret=livekit.api_secret,
                database_url=f"sqlite:///{folder / 'runtime.sqlite3'}",
                log_folder=folder,
                environ={
                    **provider_environ(providers),
                    "WORKER_HEARTBEAT": "0.5",
                    "WORKER_LEAVE_GRACE": "3",
                    "WORKER_MOST_CPU_PRESSURE": "100",
                },
            )
        )
        try:
            stack.start_worker()
            yield stack
        finally:
            stack.stop()


@pytest.fixture
async def database(worker_stack: Stack) -> AsyncIterator[Database]:
    """The worker's database."""
    opened = open_database(worker_stack.settings.database_url, prepare=True, pool_size=1)
    yield opened
    await opened.close()


@pytest.fixture
def stores(database: Database) -> Stores:
    """The stores that the worker reads and writes."""
    sessions = StoredSessions(database)
    return Stores(
        RegisteredAgents(database, sessions),
        sessions,
        StoredMetrics(database),
        StoredLeases(database),
        StoredTranscripts(database),
        StoredWorkers(database, "livekit"),
        text_ids=StoredTextIds(database),
    )


@pytest.fixture
async def rooms(livekit: LiveKitServer) -> AsyncIterator[LiveKitRooms]:
    """The client with which the API calls the LiveKit server."""
    opened = LiveKitRooms(livekit.url, livekit.api_key, livekit.api_secret)
    yield opened
    await opened.close()


@pytest.fixture
def agent_id() -> int:
    """An agent that no other test uses."""
    return next(AGENT_IDS)


@pytest.fixture
def agent_rows(worker_stack: Stack) -> AgentRows:
    """The rows of the table `agents`, which the platform writes."""
    return AgentRows(worker_stack.settings.database_url)


@pytest.fixture(scope="session")
def recogniser() -> Recogniser:
    """A recogniser that knows every sentence of the catalogue."""
    return Recogniser(every_sentence())


@pytest.fixture
def voice_settings() -> VoiceSettings:
    """Settings with every provider's key, for tests that need no server."""
    return VoiceSettings(
        worker=WorkerSettings.model_validate(
            {
                "WORKER_HEARTBEAT": 1,
                "WORKER_WAIT_FOR_CALLER": 10,
                "MAX_AGENTS_PER_INSTANCE": 2,
                "WORKER_MOST_CPU_PRESSURE": 100,
                "WORKER_NUM_IDLE_PROCESSES": 0,
                "WORKER_HEALTH_HOST": "127.0.0.1",
                "WORKER_HEALTH_PORT": 0,
                "WORKER_DRAIN_TIMEOUT": 1,
            }
        ),
        livekit=LiveKitSettings.model_validate(
            {
                "LIVEKIT_URL": "ws://127.0.0.1:1",
                "LIVEKIT_API_KEY": "key",
                "LIVEKIT_API_SECRET": "secret",
            }
        ),
        providers={
            Stage.STT: {"deepgram": ProviderDefaults("key", f"{NOWHERE}/v1/listen", "nova-3")},
            Stage.LLM: {"openai": ProviderDefaults("key", f"{NOWHERE}/v1", "gpt-4o-mini")},
            Stage.TTS: {"cartesia": ProviderDefaults("key", NOWHERE, "sonic")},
        },
        name="worker-one",
        max_sessions_per_agent=10,
    )
