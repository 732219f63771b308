"""A platform's service, and the database that keeps its answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from agent_runtime.agents.sources.document import DocumentReader
from agent_runtime.agents.sources.platform import PlatformSource
from agent_runtime.agents.templates import Templates
from agent_runtime.domain.clock import MACHINE
from agent_runtime.storage import Database, open_database
from agent_runtime.storage.repositories.registry.platform_answers import StoredPlatformAnswers
from runtime.tests.agents.sources.service import Service, served


class LaterClock:
    """The machine's clock, some time later."""

    def __init__(self) -> None:
        self.later = timedelta()

    def wall(self) -> datetime:
        """The time of day."""
        return MACHINE.wall() + self.later

    def steady(self) -> float:
        """The monotonic time."""
        return MACHINE.steady() + self.later.total_seconds()


@pytest.fixture
def clock() -> LaterClock:
    """A clock that a test can set forward."""
    return LaterClock()


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """The service, with agent 7."""
    async with served(Service()) as running:
        running.documents[7] = {"systemPrompt": "of the service"}
        yield running


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database."""
    opened = open_database(f"sqlite:///{tmp_path / 'a.sqlite3'}", prepare=True, pool_size=1)
    yield opened
    await opened.close()


@pytest.fixture
def source(service: Service, database: Database, clock: LaterClock) -> PlatformSource:
    """The service as a job asks it, with a short timeout."""
    return PlatformSource(
        service.url,
        "secret",
        StoredPlatformAnswers(database),
        DocumentReader(Templates()),
        timeout=0.4,
        clock=clock,
    )
