"""Builds journals of load runs for tests."""

from __future__ import annotations

from typing import Any

from load import messages
from load.messages import Message
from load.metrics import Metric

BEGAN = 1_000_000.0


def plan(**changes: Any) -> Message:
    """The plan of a run of one caller for a minute."""
    return {
        "kind": messages.PLAN, "at": BEGAN, "target": "ours", "scenario": "short", "callers": 1,
        "ramp": 1.0, "seconds": 60, "arrivals_per_minute": None, "seed": 0, "api": "http://127.0.0.1:9",
        "livekit": "ws://127.0.0.1:9", "database": "", "stand_ins": "", "thresholds": "",
        "distributed": False, **changes,
    }  # fmt: skip


def sample(
    metric: Metric, ms: float, at: float = 1.0, call: str = "c-1", error: str | None = None
) -> Message:
    """A sample `at` seconds after the run began."""
    moment = BEGAN + at
    kind = messages.SAMPLE
    return {"kind": kind, "call": call, "stage": metric, "at": moment, "ms": ms, "error": error}


def call(name: str = "c-1", at: float = 0.0, ended: float = 30.0) -> list[Message]:
    """A whole call without a session, so that no metrics are read for it."""
    return [
        {"kind": messages.CALL_BEGUN, "call": name, "at": BEGAN + at},
        {"kind": messages.CALL_OVER, "call": name, "session": None, "began": BEGAN + at,
         "ended": BEGAN + ended, "cut": None},
    ]  # fmt: skip


def second(lag: float = 1.0, cpu: float = 20.0, system: float = 30.0, callers: int = 2) -> Message:
    """The report of one second of a caller host."""
    return {"kind": messages.MACHINE, "host": "h", "at": BEGAN + 1, "lag": lag, "cpu": cpu,
            "system": system, "callers": callers}  # fmt: skip


def turn(**changes: Any) -> Message:
    """A question with its answer after 900 ms."""
    return {
        "kind": messages.TURN, "call": "c-1", "number": 0, "said": "weather",
        "expected": "It is sunny in Paris today.", "understood": "It is sunny in Paris today.",
        "right": True, "interrupts": False, "spoke_until": BEGAN + 5, "answered_at": BEGAN + 5.9,
        "voice_to_voice": 900.0, **changes,
    }  # fmt: skip


END: Message = {"kind": messages.END, "at": BEGAN + 60}


def whole_run() -> list[Message]:
    """A run of one call with every kind of message."""
    voices = [sample(Metric.VOICE_TO_VOICE, ms, at) for at, ms in ((5, 900.0), (15, 1100.0))]
    return [plan(), *call(), sample(Metric.CREATE, 10.0), *voices, turn(), second(), END]
