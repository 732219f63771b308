"""The command line of `python -m load`."""

from __future__ import annotations

import argparse
import math
import os
import time
from pathlib import Path
from typing import Final

from load.services import OURS
from load.targets.running import TARGETS

BOTH: Final = f"stock,{OURS}"
DESCRIPTION = """Place calls with real speech and say what callers hear. Without --api everything is started
here: LiveKit, provider stand-ins with realistic delays, API and worker. Keys are better given in the
environment: LOAD_API_KEY, LIVEKIT_API_KEY, LIVEKIT_API_SECRET."""
EPILOG = """Exit codes: 0; 1 a threshold was missed;
2 something is not there, not usable, or results are partial.
Other uses: `python -m load compare A.json B.json`, `python -m load report FOLDER`. All else that Locust
can do, distributed mode among it: `python -m locust -f load/locustfile.py --help`, or after `--` here."""


def run_parser() -> argparse.ArgumentParser:
    """Of a run."""
    parser = argparse.ArgumentParser(prog="python -m load", description=DESCRIPTION, epilog=EPILOG)
    add = parser.add_argument
    add("--api", help="base URL of an API that runs; nothing is started here then")
    add(
        "--livekit",
        default=os.environ.get("LIVEKIT_URL"),
        help="URL of its LiveKit, ws:// or wss://",
    )
    add("--key", default=os.environ.get("LOAD_API_KEY", ""), help="key of the API")
    add("--livekit-key", default=os.environ.get("LIVEKIT_API_KEY"), help="for callers' tokens")
    add(
        "--livekit-secret", default=os.environ.get("LIVEKIT_API_SECRET"), help="for callers' tokens"
    )
    add("--database", default="", help="URL of its database, to read the runtime's own figures")
    add("--stand-ins", default="", help="URL of its provider stand-ins, to see where time goes")
    add("--agent-id", type=int, default=7, help="the agent that is called (default: 7)")
    add(
        "--register", action="store_true", help="register the scenario's sample agent under that id"
    )
    add("--callers", type=positive, default=2, help="callers at once (default: 2)")
    add("--ramp", type=above_zero, default=1.0, help="callers that begin in a second (default: 1)")
    add("--minutes", type=above_zero, default=2.0, help="length of the run (default: 2)")
    add("--arrivals", type=above_zero, default=0.0, metavar="PER_MINUTE",
        help="open model: calls arrive at this rate, whatever becomes of the earlier ones")  # fmt: skip
    add("--scenario", default="receptionist", help="a name in load/scenarios, or a YAML file")
    add("--thresholds", default="", help="YAML file (sample: load/thresholds.yaml)")
    add("--target", type=targets, default=(OURS,), metavar="NAME[,NAME...]",
        help=f"local runs: {', '.join((OURS, *TARGETS))}; several go in turn; both: {BOTH}")  # fmt: skip
    add("--rounds", type=positive, default=3, help="runs of each of several targets (default: 3)")
    add("--seed", type=int, default=0, help="another seed makes other calls")
    add("--reports", type=Path, default=None, help="folder of this run's report")
    add("--web", action="store_true", help="open Locust's web page instead of starting at once")
    add("--web-port", type=int, default=8089)
    return parser


def new_folder() -> Path:
    """A folder for a run, named by the time."""
    base = Path(os.environ.get("REPORTS_DIR", "reports")) / "load"
    return base / time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())


def positive(text: str) -> int:
    """A whole number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def above_zero(text: str) -> float:
    """A number of which there can be some."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not (number > 0 and math.isfinite(number)):
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return number


def targets(text: str) -> tuple[str, ...]:
    """Names of targets, each of them once."""
    names = tuple((BOTH if text == "both" else text).split(","))
    for name in names:
        if name != OURS and name not in TARGETS:
            known = ", ".join((OURS, *TARGETS, "both"))
            raise argparse.ArgumentTypeError(f"{name!r} is none of {known}")
    if len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"{text} names a target twice")
    return names


def locust_arguments(
    given: argparse.Namespace, folder: Path, target: str, more: list[str]
) -> list[str]:
    """The same for Locust; keys go through the environment."""
    users = 1 if given.arrivals else given.callers
    arguments = [
        "-f", str(Path(__file__).with_name("locustfile.py")),
        "--users", str(users),
        "--spawn-rate", f"{given.ramp:g}",
        "--load-scenario", given.scenario,
        "--load-agent-id", str(given.agent_id),
        "--load-arrivals", f"{given.arrivals:g}",
        "--load-thresholds", given.thresholds,
        "--load-seed", str(given.seed),
        "--load-reports", str(folder),
        "--load-target", target,
    ]  # fmt: skip
    if given.web:
        arguments += ["--web-host", "127.0.0.1", "--web-port", str(given.web_port)]
    else:
        seconds = max(1, round(given.minutes * 60))  # 0 would be no limit
        arguments += ["--headless", "--run-time", f"{seconds}s", "--only-summary"]
    return arguments + more
