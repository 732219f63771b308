"""The log lines of an operation that fails for a long time."""

from __future__ import annotations

import logging

import pytest

from agent_runtime.telemetry.log_throttle import REMIND_EVERY, LogThrottle

LOG = logging.getLogger("agent_runtime.test_log_throttle")


def new_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines since the last call."""
    lines = [record.getMessage() for record in caplog.records]
    caplog.clear()
    return lines


def test_an_outage_logs_its_begin_reminders_and_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An operation that fails each second for an hour logs 120 lines; the next outage starts afresh."""
    now = 100.0
    outage = LogThrottle(LOG, "rooms", clock=lambda: now)
    outage.recovered()
    assert new_lines(caplog) == []
    outage.failed(ConnectionError("refused"))
    assert new_lines(caplog) == ["rooms: refused"]
    for _ in range(3600):
        now += 1
        outage.failed(ConnectionError("refused"))
    lines = new_lines(caplog)
    assert len(lines) == 3600 / REMIND_EVERY
    assert lines[0] == "rooms, for 30 s now: refused"
    outage.recovered()
    outage.recovered()
    assert new_lines(caplog) == ["rooms: recovered after 3600.0 s"]
    outage.failed(ConnectionError("refused"))
    assert new_lines(caplog) == ["rooms: refused"]
