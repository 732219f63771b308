"""Where the lines of LiveKit's native client go, and its threads."""

from __future__ import annotations

import subprocess
import sys

import pytest

from agent_runtime.voice.livekit_tuning.ffi import DEBUG, LEVELS

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
os._exit(0)  # as a call's process; a line of the log amid Python's own end would abort it (SIGABRT)
"""

TELLS_THREE_EVENTS = """
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


def test_warnings_go_to_standard_error_and_nothing_to_python(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A room that cannot be joined has some."""
    monkeypatch.delenv(DEBUG, raising=False)
    monkeypatch.delenv(LEVELS, raising=False)
    told = _run()
    assert "not joined" in told.stdout
    assert "livekit::rtc_engine" not in told.stdout
    assert "WARN  livekit::rtc_engine] failed to connect" in told.stderr
    assert "INFO" not in told.stderr


def test_the_package_s_own_switch_brings_them_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """For whoever looks for the cause of a lost connection."""
    monkeypatch.setenv(DEBUG, "true")
    told = _run()
    assert "DEBUG:livekit:" in told.stdout
    assert "livekit::rtc_engine" not in told.stderr


def test_a_thread_that_tells_of_events_keeps_what_python_knows_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is local to it is there with the next event; otherwise all of it is made anew each time."""
    monkeypatch.setenv("TOKIO_WORKER_THREADS", "1")
    assert "events in one thread: 3" in _run(TELLS_THREE_EVENTS).stdout


def _run(program: str = FAILS_TO_JOIN) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
