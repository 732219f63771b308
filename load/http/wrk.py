"""Runs wrk (https://github.com/wg/wrk), which sends requests over persistent connections."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

SCRIPT: Final = Path(__file__).with_name("requests.lua")
DRAIN: Final = 1  # seconds for the last responses after the last request; see requests.lua


class Scenario(StrEnum):
    """A kind of request."""

    GET = "get"
    CREATE = "create"


class WrkError(RuntimeError):
    """wrk is missing or failed; the message gives the reason or the remedy."""


@dataclass(frozen=True, slots=True)
class Target:
    """URL and key of the measured API."""

    url: str
    api_key: str


@dataclass(frozen=True, slots=True)
class Answers:
    """The responses of one run. Times are milliseconds, from the request written to the whole response.

    `refused` counts responses with status 400 and above; `broken` counts failed connections and responses
    after wrk's timeout of 2 s.
    """

    requests: int
    refused: int
    broken: int
    seconds: float
    p50: float
    p90: float
    p99: float
    max: float

    @property
    def accepted(self) -> int:
        """Number of responses with a status below 400."""
        return self.requests - self.refused

    @property
    def throughput(self) -> float:
        """Accepted responses a second."""
        return self.accepted / self.seconds


def find_wrk() -> str:
    """The path of wrk. Raises WrkError, which explains how to install it."""
    found = shutil.which("wrk")
    if found is None:
        raise WrkError("wrk is not on PATH: install it (Debian, Ubuntu: apt-get install wrk)")
    return found


def run_wrk(
    target: Target, scenario: Scenario, arguments: Sequence[str], *, connections: int, seconds: int
) -> Answers:
    """Send requests for `seconds` over `connections`; `arguments` are those of requests.lua.

    Raises WrkError when wrk fails or prints unexpected output.
    """
    options = ["-t1", f"-c{connections}", f"-d{seconds + DRAIN}s", "--latency", "-s", str(SCRIPT)]
    given = [target.api_key, str(seconds), scenario.value, *arguments]
    ended = subprocess.run(
        [find_wrk(), *options, target.url, "--", *given],
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise WrkError(f"wrk ended with {ended.returncode}: {ended.stderr[-500:]}")
    return parse_answers(ended.stdout, seconds)


def parse_answers(output: str, seconds: float) -> Answers:
    """Parse the last line, which requests.lua prints as JSON with times in microseconds.

    Raises WrkError when there is no such line.
    """
    line = next((line for line in reversed(output.splitlines()) if line.startswith("{")), None)
    if line is None:
        raise WrkError(f"wrk printed no summary:\n{output[-500:]}")
    summary = json.loads(line)
    return Answers(
        requests=summary["requests"],
        refused=summary["refused"],
        broken=summary["broken"],
        seconds=seconds,
        p50=summary["p50"] / 1000,
        p90=summary["p90"] / 1000,
        p99=summary["p99"] / 1000,
        max=summary["max"] / 1000,
    )
