"""wrk (https://github.com/wg/wrk): one run of requests over kept connections."""

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
DRAIN: Final = 1  # seconds in which what was sent is answered; see requests.lua


class Scenario(StrEnum):
    """What is asked."""

    GET = "get"
    CREATE = "create"


class WrkError(RuntimeError):
    """wrk is missing or failed; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to ask, and with which key."""

    url: str
    api_key: str


@dataclass(frozen=True, slots=True)
class Answers:
    """One run. Times in milliseconds, from a request written to its whole answer.

    `refused` are answers of 400 and above, `broken` connections that failed and answers that came
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
        """Answers below 400."""
        return self.requests - self.refused

    @property
    def throughput(self) -> float:
        """Accepted answers a second."""
        return self.accepted / self.seconds


def find_wrk() -> str:
    """The program. Raises WrkError, saying how to get it."""
    found = shutil.which("wrk")
    if found is None:
        raise WrkError("wrk is not on PATH: install it (Debian, Ubuntu: apt-get install wrk)")
    return found


def run_wrk(
    target: Target, scenario: Scenario, arguments: Sequence[str], *, connections: int, seconds: int
) -> Answers:
    """Ask for `seconds` over `connections`; `arguments` are those of requests.lua.

    Raises WrkError when wrk fails or says something else than expected.
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
    """Read the line of JSON that requests.lua prints last; its times are microseconds.

    Raises WrkError when there is none.
    """
    line = next((line for line in reversed(output.splitlines()) if line.startswith("{")), None)
    if line is None:
        raise WrkError(f"wrk printed no summary:\n{output[-500:]}")
    said = json.loads(line)
    return Answers(
        requests=said["requests"],
        refused=said["refused"],
        broken=said["broken"],
        seconds=seconds,
        p50=said["p50"] / 1000,
        p90=said["p90"] / 1000,
        p99=said["p99"] / 1000,
        max=said["max"] / 1000,
    )
