"""Makes the results of a run, one JSON document (`schema.json`), from its messages."""

from __future__ import annotations

import json
import os
import platform
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, Final

from load import messages
from load.messages import Message, of_kind
from load.report.summary import by_metric, errors, summary

RESULTS: Final = "results.json"  # the name of the file in the folder of a run
VERSION: Final = 1  # of the document's schema
PACKAGES: Final = ("voice-agent-runtime", "livekit", "livekit-agents", "locust")
LAG: Final = 30.0  # ms; a caller host's event loop that is later distorts the figures
BUSY: Final = 80.0  # percent of all cores; a busier load machine distorts the figures

Results = dict[str, Any]


def results_of(journal: Sequence[Message]) -> Results:
    """The results of a run's messages, in any order. Raises ValueError when they include no plan."""
    plans = of_kind(journal, messages.PLAN)
    if not plans:
        raise ValueError("not the journal of a load run: it has no plan")
    plan = plans[0]
    samples = _with_callers(of_kind(journal, messages.SAMPLE), journal)
    calls = of_kind(journal, messages.CALL_OVER)
    machine = of_kind(journal, messages.MACHINE)
    reasons = _partial_because(journal)
    ends = [m["at"] for m in of_kind(journal, messages.END)] or [m["at"] for m in samples + machine]
    return {
        "version": VERSION,
        "began": _iso(plan["at"]),
        "seconds": round(max(ends, default=plan["at"]) - plan["at"], 1),
        "partial": bool(reasons),
        "partial_because": reasons,
        "plan": {k: v for k, v in plan.items() if k not in ("kind", "at")},
        "machine": {
            "system": platform.platform(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "packages": {name: version(name) for name in PACKAGES},
        },
        "calls": {
            "begun": len(of_kind(journal, messages.CALL_BEGUN)),
            "whole": sum(c["cut"] is None for c in calls),
        },
        "stages": {metric: summary(kept) for metric, kept in by_metric(samples).items()},
        "errors": errors(samples),
        "load_machine": _load_machine(machine),
        "warnings": _warnings(machine),
        "missed": [],
        "samples": [_relative(sample, plan["at"]) for sample in samples],
        "turns": [_relative(t, plan["at"], "spoke_until") for t in of_kind(journal, messages.TURN)],
        "machine_by_second": [_relative(second, plan["at"]) for second in machine],
    }


def read_results(path: Path) -> Results:
    """Read the results of a run. Raises OSError, or ValueError when the file has other content."""
    found = json.loads(path.read_text())
    if not isinstance(found, dict) or found.get("version") != VERSION or "samples" not in found:
        raise ValueError(f"not results of version {VERSION}")
    return found


def _with_callers(samples: Sequence[Message], journal: Sequence[Message]) -> list[Message]:
    """Each sample with the number of calls under way at its time, on all load machines together."""
    began = sorted(message["at"] for message in of_kind(journal, messages.CALL_BEGUN))
    ended = sorted(message["ended"] for message in of_kind(journal, messages.CALL_OVER))
    return [
        {
            **sample,
            "callers": max(1, bisect_right(began, sample["at"]) - bisect_left(ended, sample["at"])),
        }
        for sample in samples
    ]


def _partial_because(journal: Sequence[Message]) -> list[str]:
    found = list(dict.fromkeys(message["why"] for message in of_kind(journal, messages.TROUBLE)))
    if not of_kind(journal, messages.END):
        found.append("the run was killed before its end")
    over = {message["call"] for message in of_kind(journal, messages.CALL_OVER)}
    lost = [m for m in of_kind(journal, messages.CALL_BEGUN) if m["call"] not in over]
    if lost:
        found.append(f"{len(lost)} calls were killed midway; their reports are kept")
    return found


def _load_machine(machine: Sequence[Message]) -> dict[str, float | None]:
    """Load of the load machine; `cpu_per_caller` is in percent of one core, a median over busy seconds."""
    busy = [second["cpu"] / second["callers"] for second in machine if second["callers"]]
    return {
        "cpu_per_caller": round(median(busy), 1) if busy else None,
        "cpu_max": max((second["system"] for second in machine), default=None),
        "lag_max": max((second["lag"] for second in machine), default=None),
    }


def _warnings(machine: Sequence[Message]) -> list[str]:
    """Warnings when the load machine itself was the bottleneck."""
    found = []
    if late := [second["lag"] for second in machine if second["lag"] > LAG]:
        found.append(
            f"The callers' own event loop was over {LAG:.0f} ms late in {len(late)} of "
            f"{len(machine)} seconds (at worst {max(late):.0f} ms): the figures include that delay."
        )
    if busy := [second["system"] for second in machine if second["system"] > BUSY]:
        found.append(
            f"The load machine's CPU was above {BUSY:.0f} % in {len(busy)} of {len(machine)} "
            "seconds: use more or larger load machines, or fewer callers."
        )
    return found


def _relative(message: Message, began: float, moment: str = "at") -> Message:
    """The message with `at` in seconds since the run began."""
    kept = {key: value for key, value in message.items() if key != "kind"}
    return {**kept, "at": round(message[moment] - began, 3)}


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
