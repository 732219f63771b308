"""How many connections to the database a process may have."""

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


class Asked(Exception):
    """That is all a test wants to know."""


@pytest.mark.parametrize(
    ("asked", "size", "most"), [(None, "8", 8), (CALL_CONNECTIONS, "8", 2), (2, "1", 1)]
)
async def test_the_settings_bound_them_and_the_process_does_too(
    monkeypatch: pytest.MonkeyPatch, asked: int | None, size: str, most: int
) -> None:
    """Whichever is less."""
    given: list[int] = []

    def open_database(_url: str, *, prepare: bool, pool_size: int) -> Any:
        assert prepare
        given.append(pool_size)
        return AsyncMock()

    monkeypatch.setattr(storage, "open_database", open_database)
    monkeypatch.setattr(storage, "dispatch_listener", lambda *_, **__: None)
    for store in ("Agents", "Sessions", "Leases", "Transcripts", "Workers"):
        name = "Registered" if store == "Agents" else "Stored"
        monkeypatch.setattr(storage, name + store, lambda *_: None)
    monkeypatch.setattr(storage, "StoredMetrics", lambda *_: None)
    monkeypatch.setenv("DATABASE_POOL_SIZE", size)
    async with open_stores(asked):
        pass
    assert given == [most]


async def test_a_call_has_few(voice_settings: VoiceSettings) -> None:
    """There are as many processes as calls."""
    given: list[int | None] = []

    def opening(connections: int | None = None) -> Any:
        given.append(connections)
        raise Asked

    job = cast("JobContext", AsyncMock(is_fake_job=lambda: True))
    with pytest.raises(Asked):
        await run_call(job, settings=voice_settings, open_stores=opening, target=JobTarget(7))
    assert given == [CALL_CONNECTIONS]
