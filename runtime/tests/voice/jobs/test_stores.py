"""The number of database connections that a process may open."""

from __future__ import annotations

from typing import Any, cast
from unittest.mock import AsyncMock

import pytest
from livekit.agents import JobContext

from agent_runtime import storage
from agent_runtime.domain.job import JobTarget
from agent_runtime.voice.call.call import run_call
from agent_runtime.voice.jobs.settings import VoiceSettings
from agent_runtime.voice.jobs.stores import CALL_CONNECTIONS
from agent_runtime.wiring.worker import open_stores


class Opened(Exception):
    """Ends a call as soon as it opens its stores."""


@pytest.mark.parametrize(
    ("asked", "size", "expected"), [(None, "8", 8), (CALL_CONNECTIONS, "8", 2), (2, "1", 1)]
)
async def test_settings_and_process_both_limit_the_connections(
    monkeypatch: pytest.MonkeyPatch, asked: int | None, size: str, expected: int
) -> None:
    """The pool has the smaller of DATABASE_POOL_SIZE and what the process asks for."""
    given: list[int] = []

    def open_database(_url: str, *, prepare: bool, pool_size: int) -> Any:
        assert prepare
        given.append(pool_size)
        return AsyncMock()

    monkeypatch.setattr(storage, "open_database", open_database)
    monkeypatch.setattr(storage, "dispatch_listener", lambda *_, **__: None)
    for store in ("Agents", "Sessions", "Leases", "Transcripts", "Workers"):
        name = "Registered" if store == "Agents" else "Stored"
        monkeypatch.setattr(storage, name + store, lambda *_, **__: None)
    monkeypatch.setattr(storage, "StoredMetrics", lambda *_: None)
    monkeypatch.setenv("DATABASE_POOL_SIZE", size)
    async with open_stores(asked):
        pass
    assert given == [expected]


async def test_a_call_opens_few_connections(voice_settings: VoiceSettings) -> None:
    """A call opens CALL_CONNECTIONS at most, because there are as many processes as calls."""
    given: list[int | None] = []

    def opening(connections: int | None = None) -> Any:
        given.append(connections)
        raise Opened

    job = cast("JobContext", AsyncMock(is_fake_job=lambda: True))
    with pytest.raises(Opened):
        await run_call(job, settings=voice_settings, open_stores=opening, target=JobTarget(7))
    assert given == [CALL_CONNECTIONS]
