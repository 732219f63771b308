"""Where the lines of LiveKit's native client go."""

from __future__ import annotations

import subprocess
import sys

import pytest

from agent_runtime.voice.native_log import DEBUG, LEVELS

FAILS_TO_JOIN = """
import asyncio, logging, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
from livekit import rtc
from agent_runtime.voice.native_log import leave_log_to_client
leave_log_to_client()
try:
    asyncio.run(rtc.Room().connect("ws://127.0.0.1:1", "token"))
except rtc.ConnectError:
    print("not joined")
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


def _run() -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", FAILS_TO_JOIN], capture_output=True, text=True, check=True
    )
