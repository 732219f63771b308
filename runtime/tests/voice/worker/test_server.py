"""How a worker is configured, and how it ends: on a signal, or because the agent server did."""

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
from agent_runtime.voice.worker.run_until_signal import run_until_signal
from agent_runtime.voice.worker.server import (
    FFI_THREADS_VARIABLE,
    LOOP_MONITOR_VARIABLE,
    build_server,
)
from agent_runtime.wiring.worker import open_stores

from .offers import admission_of, new_server


class Parts:
    """Agent server and direct dispatch in one; records in `done` what was called, in order."""

    def __init__(self, admission: Admission, error: Exception | None = None) -> None:
        self.done: list[str] = []
        self._admission = admission
        self._error = error
        self._closed = asyncio.Event()

    async def run(self) -> None:
        """Serve until closed, or fail."""
        if self._error is not None:
            raise self._error
        await self._closed.wait()

    async def settle(self) -> None:
        """Settle the direct dispatches."""
        assert self._admission.draining
        self.done.append("settle")

    async def drain(self) -> None:
        """Drain the agent server."""
        self.done.append("drain")

    async def aclose(self) -> None:
        """Close the agent server."""
        self.done.append("close")
        self._closed.set()


@pytest.fixture
def admission() -> Admission:
    """An admission without calls."""
    return admission_of(new_server())


async def serve(
    parts: Parts, admission: Admission, background: Collection[asyncio.Task[None]] = ()
) -> int:
    """Serve with these parts; returns the exit code."""
    async with asyncio.timeout(5):
        return await run_until_signal(
            cast("AgentServer", parts), admission, cast("DirectDispatch", parts), background
        )


async def test_a_worker_that_shuts_down_launches_its_claimed_sessions_first(
    admission: Admission,
) -> None:
    """Direct dispatches settle before the agent server drains, since a draining server launches nothing."""
    parts = Parts(admission)
    serving = asyncio.create_task(serve(parts, admission))
    await asyncio.sleep(0.05)
    os.kill(os.getpid(), signal.SIGTERM)
    assert await serving == 0
    assert parts.done == ["settle", "drain", "close"]


async def test_an_agent_server_that_ends_by_itself_is_closed(admission: Admission) -> None:
    """Its error is raised after its job processes are closed, which nobody else would end."""
    parts = Parts(admission, RuntimeError("no connection"))
    with pytest.raises(RuntimeError, match="no connection"):
        await serve(parts, admission)
    assert parts.done == ["close"]


async def test_a_worker_drains_when_a_background_task_fails(
    admission: Admission, caplog: pytest.LogCaptureFixture
) -> None:
    """Without the task sessions would be lost silently: the worker logs it, drains and exits with 1."""

    async def fail() -> None:
        raise ValueError("not an answer")

    parts = Parts(admission)
    assert await serve(parts, admission, [asyncio.create_task(fail(), name="connectivity")]) == 1
    assert parts.done == ["settle", "drain", "close"]
    assert "connectivity ended by itself (ValueError('not an answer')): no new calls" in caplog.text


def test_a_worker_waits_for_livekit_for_hours(voice_settings: VoiceSettings) -> None:
    """The worker retries for over an hour: its calls should survive minutes without LiveKit."""
    server, _ = build_server(voice_settings, open_stores)
    assert server._max_retry * 10 > 3600


@pytest.mark.parametrize(("given", "monitored"), [(None, False), ("100", True)])
def test_jobs_have_no_event_loop_monitor_unless_the_variable_is_set(
    voice_settings: VoiceSettings,
    monkeypatch: pytest.MonkeyPatch,
    given: str | None,
    *,
    monitored: bool,
) -> None:
    """LiveKit's own variable switches on the monitor of each job's event loop."""
    monkeypatch.setenv(LOOP_MONITOR_VARIABLE, given or "")
    if given is None:
        monkeypatch.delenv(LOOP_MONITOR_VARIABLE)
    build_server(voice_settings, open_stores)
    assert (LoopMonitorThresholds.from_env() is not None) is monitored


@pytest.mark.parametrize("given", [None, "4"])
def test_a_job_has_one_thread_of_the_native_client_unless_the_variable_is_set(
    voice_settings: VoiceSettings, monkeypatch: pytest.MonkeyPatch, given: str | None
) -> None:
    """The variable of the client's runtime is 1 by default, and keeps a value that is set."""
    monkeypatch.setenv(FFI_THREADS_VARIABLE, given or "")
    if given is None:
        monkeypatch.delenv(FFI_THREADS_VARIABLE)
    build_server(voice_settings, open_stores)
    assert os.environ[FFI_THREADS_VARIABLE] == (given or "1")
