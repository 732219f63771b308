"""What the log says of something that is away for long."""

from __future__ import annotations

import logging

import pytest

from agent_runtime.telemetry.log_throttle import REMIND_EVERY, LogThrottle

LOG = logging.getLogger("agent_runtime.test_outages")


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines since the last time."""
    lines = [record.getMessage() for record in caplog.records]
    caplog.clear()
    return lines


def test_an_outage_is_told_at_its_begin_now_and_then_and_at_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Asked each second for an hour, it has some hundred lines; the next one begins anew."""
    now = 100.0
    outage = LogThrottle(LOG, "rooms", clock=lambda: now)
    outage.recovered()
    assert told(caplog) == []
    outage.failed(ConnectionError("refused"))
    assert told(caplog) == ["rooms: refused"]
    for _ in range(3600):
        now += 1
        outage.failed(ConnectionError("refused"))
    lines = told(caplog)
    assert len(lines) == 3600 / REMIND_EVERY
    assert lines[0] == "rooms, for 30 s now: refused"
    outage.recovered()
    outage.recovered()
    assert told(caplog) == ["rooms: well again after 3600.0 s"]
    outage.failed(ConnectionError("refused"))
    assert told(caplog) == ["rooms: refused"]
