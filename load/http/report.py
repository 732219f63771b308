"""The report of a benchmark: a table for people, JSON for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Final

from load.http.bench import Plan
from load.http.results import Result, Spread, ratio
from load.http.wrk import Scenario

PACKAGES: Final = (
    "voice-agent-runtime", "falcon", "peewee", "psycopg2-binary", "fastapi", "sqlalchemy", "asyncpg",
    "pydantic", "uvicorn", "uvloop", "httptools", "livekit-api",
)  # fmt: skip
TITLES: Final = {Scenario.GET: "GET of a session", Scenario.CREATE: "POST of a create"}


def table(results: Sequence[Result]) -> str:
    """The table for people: medians over the rounds, with (least..greatest)."""
    return "\n".join(line.rstrip() for line in _lines(results))


def _lines(results: Sequence[Result]) -> Iterator[str]:
    baseline = next(result for result in results if not result.variant.is_ours)
    for scenario in Scenario:
        yield ""
        yield (
            f"{TITLES[scenario]:<32}{'answers/s':>11}{'p50 ms':>9}{'p99 ms':>9}{'errors':>8}"
            "   times the baseline, by round"
        )
        for result in results:
            times = str(ratio(result, baseline, scenario)) if result.variant.is_ours else ""
            yield (
                f"{result.variant.name:<32}{result.throughput(scenario).middle:>11.0f}"
                f"{result.p50(scenario).middle:>9.1f}{result.p99(scenario).middle:>9.1f}"
                f"{result.errors(scenario):>8}   {times}"
            )
    yield ""
    yield f"{'Process':<32}{'RSS MB':>9}{'PSS MB':>9}   start to first answer, s"
    for result in results:
        yield (
            f"{result.variant.name:<32}{result.memory.rss:>9.1f}{result.memory.pss:>9.1f}"
            f"   {Spread.of(result.cold_starts)}"
        )


def write_json(path: Path, plan: Plan, results: Sequence[Result], missed: Sequence[str]) -> None:
    """Write every run, fault and missed threshold. Units are seconds, milliseconds and megabytes."""
    baseline = next(result for result in results if not result.variant.is_ours)
    document = {
        "plan": asdict(plan),
        "machine": {
            "system": platform.platform(),
            "cores": os.cpu_count(),
            "load": os.getloadavg(),
            "python": platform.python_version(),
            "packages": {name: version(name) for name in PACKAGES},
        },
        "variants": [_of_variant(result, baseline) for result in results],
        "faults": [fault for result in results for fault in result.faults()],
        "missed": list(missed),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n")


def _of_variant(result: Result, baseline: Result) -> dict[str, object]:
    return {
        "name": result.variant.name,
        "database": result.variant.kind,
        "coldStarts": result.cold_starts,
        "memory": asdict(result.memory),
        "scenarios": {
            scenario: {
                "throughput": asdict(result.throughput(scenario)),
                "p50": asdict(result.p50(scenario)),
                "p99": asdict(result.p99(scenario)),
                "timesBaseline": asdict(ratio(result, baseline, scenario)),
                "runs": [asdict(run) for run in result.runs[scenario]],
            }
            for scenario in Scenario
        },
    }
