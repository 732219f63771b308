"""How a worker ends: on a signal, or because the agent server did."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Collection
from typing import cast

import pytest
from livekit.agents import AgentServer
from livekit.agents.telemetry.loop_monitor import LoopMonitorThresholds

from agent_runtime.voice.jobs.settings import VoiceSettings
from agent_runtime.voice.worker.admission import Admission
from agent_runtime.voice.worker.direct_dispatch import DirectDispatch
from agent_runtime.voice.worker.server import CLIENT_THREADS, LOOP_WATCH, _serve, build_server
from agent_runtime.wiring.worker import open_stores

from .offers import Server, admission_of


class Parts:
    """Agent server and unoffered jobs in one; both write down what they are told, in its order."""

    def __init__(self, admission: Admission, error: Exception | None = None) -> None:
        self.done: list[str] = []
        self._admission = admission
        self._error = error
        self._closed = asyncio.Event()

    async def run(self) -> None:
        """Of the agent server."""
        if self._error is not None:
            raise self._error
        await self._closed.wait()

    async def settle(self) -> None:
        """Of what LiveKit did not offer."""
        assert self._admission.draining
        self.done.append("settle")

    async def drain(self) -> None:
        """Of the agent server."""
        self.done.append("drain")

    async def aclose(self) -> None:
        """Of the agent server."""
        self.done.append("close")
        self._closed.set()


@pytest.fixture
def admission() -> Admission:
    """One without calls."""
    return admission_of(Server(ws_url="ws://127.0.0.1:1", api_key="key", api_secret="secret"))


async def serve(
    parts: Parts, admission: Admission, beside: Collection[asyncio.Task[None]] = ()
) -> int:
    """What is under test."""
    async with asyncio.timeout(5):
        return await _serve(
            cast("AgentServer", parts), admission, cast("DirectDispatch", parts), beside
        )


async def test_a_worker_that_leaves_launches_what_it_has_claimed_first(
    admission: Admission,
) -> None:
    """An agent server that drains launches nothing, and the session would have no agent."""
    parts = Parts(admission)
    serving = asyncio.create_task(serve(parts, admission))
    await asyncio.sleep(0.05)
    os.kill(os.getpid(), signal.SIGTERM)
    assert await serving == 0
    assert parts.done == ["settle", "drain", "close"]


async def test_an_agent_server_that_ends_by_itself_is_closed(admission: Admission) -> None:
    """With its job processes, which nobody else would end."""
    parts = Parts(admission, RuntimeError("no connection"))
    with pytest.raises(RuntimeError, match="no connection"):
        await serve(parts, admission)
    assert parts.done == ["close"]


async def test_a_worker_whose_watch_over_livekit_fails_drains_and_says_so(
    admission: Admission, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever started it starts it again; without what runs beside, sessions would be lost silently."""

    async def fail() -> None:
        raise ValueError("not an answer")

    parts = Parts(admission)
    assert await serve(parts, admission, [asyncio.create_task(fail(), name="reach")]) == 1
    assert parts.done == ["settle", "drain", "close"]
    assert "reach ended by itself (ValueError('not an answer')): no new calls" in caplog.text


def test_a_worker_waits_for_livekit_for_hours(voice_settings: VoiceSettings) -> None:
    """Calls in other rooms, and those to come, do not end because LiveKit is away for minutes."""
    server, _ = build_server(voice_settings, open_stores)
    assert server._max_retry * 10 > 3600


@pytest.mark.parametrize(("given", "watched"), [(None, False), ("100", True)])
def test_jobs_are_not_woken_to_watch_their_loops_unless_one_asks_for_it(
    voice_settings: VoiceSettings,
    monkeypatch: pytest.MonkeyPatch,
    given: str | None,
    *,
    watched: bool,
) -> None:
    """The framework's own variable decides."""
    monkeypatch.setenv(LOOP_WATCH, given or "")
    if given is None:
        monkeypatch.delenv(LOOP_WATCH)
    build_server(voice_settings, open_stores)
    assert (LoopMonitorThresholds.from_env() is not None) is watched


@pytest.mark.parametrize("given", [None, "4"])
def test_a_job_has_one_thread_of_the_native_client_unless_more_are_asked_for(
    voice_settings: VoiceSettings, monkeypatch: pytest.MonkeyPatch, given: str | None
) -> None:
    """By the variable of the client's own runtime."""
    monkeypatch.setenv(CLIENT_THREADS, given or "")
    if given is None:
        monkeypatch.delenv(CLIENT_THREADS)
    build_server(voice_settings, open_stores)
    assert os.environ[CLIENT_THREADS] == (given or "1")
