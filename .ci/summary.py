"""Closes a CI run: a JUnit file for every tox environment, and one table for people.

Usage: summary.py RESULT_JSON REPORTS_DIR ENVIRONMENT...
RESULT_JSON is what `tox --result-json` wrote. An environment that ran pytest or the gate has its JUnit
file in REPORTS_DIR already; for each other one (style, types) the script writes a file with a single
test case, so that every environment stands beside the others. Exit code 1 when one failed or did not run.
"""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Environments for further Pythons run where the machine has that Python; all others must run.
OPTIONAL = ("py312", "py313")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One environment: its verdict, its tests, and how long it took in seconds."""

    name: str
    verdict: str  # passed, failed, not run
    seconds: float
    tests: int
    failures: int

    @property
    def is_bad(self) -> bool:
        """Whether the run must fail."""
        return self.verdict == "failed" or (self.verdict == "not run" and self.name not in OPTIONAL)


def outcome_of(name: str, result: Mapping[str, Any] | None, reports: Path) -> Outcome:
    """Read one environment's part of tox's result, and its JUnit file; write the latter where none is."""
    ran = result is not None and "result" in result
    if not ran or result is None:
        return Outcome(name, "not run", 0.0, 0, 0)
    verdict = "passed" if result["result"]["success"] else "failed"
    seconds = float(result["result"]["duration"])
    places = (reports / f"{name}.xml", reports / name / "junit.xml")  # pytest's, the gate's
    path = next((place for place in places if place.is_file()), places[0])
    if not path.is_file():
        path.write_bytes(_single_case(name, verdict, seconds))
    suites = list(ET.parse(path).getroot().iter("testsuite"))  # noqa: S314 - our own file
    tests = sum(int(suite.get("tests", 0)) for suite in suites)
    failures = sum(int(suite.get(kind, 0)) for suite in suites for kind in ("failures", "errors"))
    return Outcome(name, verdict, seconds, tests, failures)


def table(outcomes: Sequence[Outcome]) -> str:
    """The closing summary."""
    lines = [f"{'environment':<14}{'verdict':<9}{'tests':>6}{'failed':>8}{'time':>8}"]
    for one in outcomes:
        minutes, seconds = divmod(round(one.seconds), 60)
        lines.append(
            f"{one.name:<14}{one.verdict:<9}{one.tests:>6}{one.failures:>8}{minutes:>5}:{seconds:02}"
        )
    return "\n".join(lines)


def _single_case(name: str, verdict: str, seconds: float) -> bytes:
    failed = verdict == "failed"
    suite = ET.Element(
        "testsuite",
        name=name,
        tests="1",
        failures=str(int(failed)),
        errors="0",
        time=f"{seconds:.1f}",
    )
    case = ET.SubElement(suite, "testcase", classname="tox", name=name, time=f"{seconds:.1f}")
    if failed:
        ET.SubElement(case, "failure", message=f"tox -e {name} failed; its output is in the log")
    return ET.tostring(suite, encoding="utf-8", xml_declaration=True)


def main(arguments: Sequence[str]) -> int:
    """Write the files, print the table; returns the exit code."""
    result_path, reports, names = Path(arguments[0]), Path(arguments[1]), arguments[2:]
    reports.mkdir(parents=True, exist_ok=True)
    environments = json.loads(result_path.read_text())["testenvs"]
    outcomes = [outcome_of(name, environments.get(name), reports) for name in names]
    print(table(outcomes))
    failed = sum(one.failures for one in outcomes)
    print(f"{sum(one.tests for one in outcomes) - failed} passed, {failed} failed")
    return 1 if any(one.is_bad for one in outcomes) else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
