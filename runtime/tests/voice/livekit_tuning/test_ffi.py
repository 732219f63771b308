"""Where LiveKit's native client logs, and how its threads keep their Python state."""

from __future__ import annotations

import subprocess
import sys

import pytest

from agent_runtime.voice.livekit_tuning.ffi import DEBUG_VARIABLE, LEVEL_VARIABLE

FAILS_TO_JOIN = """
import asyncio, logging, os, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
from livekit import rtc
from agent_runtime.voice.livekit_tuning.ffi import start_ffi_client
start_ffi_client()
try:
    asyncio.run(rtc.Room().connect("ws://127.0.0.1:1", "token"))
except rtc.ConnectError:
    print("not joined", flush=True)
os._exit(0)  # as a call's process does: a log line during Python's shutdown would abort it (SIGABRT)
"""

THREE_EVENTS = """
import asyncio, os, threading
from livekit import rtc
from livekit.rtc._ffi_client import FfiClient
from agent_runtime.voice.livekit_tuning.ffi import start_ffi_client
start_ffi_client()
here, most, put = threading.local(), 0, FfiClient.instance.queue.put
def counted(event):
    global most
    here.events = getattr(here, "events", 0) + 1
    most = max(most, here.events)
    put(event)
FfiClient.instance.queue.put = counted
async def fails_to_join():
    try:
        await rtc.Room().connect("ws://127.0.0.1:1", "token")
    except rtc.ConnectError:
        pass
for _ in range(3):
    asyncio.run(fails_to_join())
print("events in one thread:", most, flush=True)
os._exit(0)
"""


def test_the_client_logs_warnings_to_standard_error_and_nothing_to_python(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A failed attempt to join a room logs warnings to standard error only, and no other lines."""
    monkeypatch.delenv(DEBUG_VARIABLE, raising=False)
    monkeypatch.delenv(LEVEL_VARIABLE, raising=False)
    done = _run()
    assert "not joined" in done.stdout
    assert "livekit::rtc_engine" not in done.stdout
    assert "WARN  livekit::rtc_engine] failed to connect" in done.stderr
    assert "INFO" not in done.stderr


def test_livekit_s_debug_variable_sends_the_log_to_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """With LIVEKIT_RTC_DEBUG all lines reach Python's log, to find the cause of a lost connection."""
    monkeypatch.setenv(DEBUG_VARIABLE, "true")
    done = _run()
    assert "DEBUG:livekit:" in done.stdout
    assert "livekit::rtc_engine" not in done.stderr


def test_a_thread_of_the_client_keeps_its_python_state_between_events(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Thread-local data survive from one event to the next, so the thread's state is created once."""
    monkeypatch.setenv("TOKIO_WORKER_THREADS", "1")
    assert "events in one thread: 3" in _run(THREE_EVENTS).stdout


def _run(program: str = FAILS_TO_JOIN) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
