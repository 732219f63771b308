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
DESCRIPTION = """Place calls with real speech and measure what callers hear. Without --api this starts
everything on this machine: LiveKit, provider stand-ins with realistic delays, API and worker. Pass keys in
the environment: LOAD_API_KEY, LIVEKIT_API_KEY, LIVEKIT_API_SECRET."""
EPILOG = """Exit codes: 0 success; 1 a threshold was missed;
2 a service or a file is missing or unusable, or the results are partial.
Other commands: `python -m load compare A.json B.json`, `python -m load report FOLDER`. Locust's other
features, such as distributed mode: `python -m locust -f load/locustfile.py --help`, or options after
`--`."""


def run_parser() -> argparse.ArgumentParser:
    """The parser of a run's options."""
    parser = argparse.ArgumentParser(prog="python -m load", description=DESCRIPTION, epilog=EPILOG)
    add = parser.add_argument
    add("--api", help="base URL of a running API; then this starts no services")
    add(
        "--livekit",
        default=os.environ.get("LIVEKIT_URL"),
        help="URL of the API's LiveKit, ws:// or wss://",
    )
    add("--key", default=os.environ.get("LOAD_API_KEY", ""), help="the API's key")
    add("--livekit-key", default=os.environ.get("LIVEKIT_API_KEY"), help="signs callers' tokens")
    add(
        "--livekit-secret",
        default=os.environ.get("LIVEKIT_API_SECRET"),
        help="signs callers' tokens",
    )
    add("--database", default="", help="URL of the API's database, for the runtime's own metrics")
    add("--stand-ins", default="", help="URL of the provider stand-ins, for the parts of a turn")
    add("--agent-id", type=int, default=7, help="id of the agent to call (default: 7)")
    add(
        "--register", action="store_true", help="register the scenario's sample agent under this id"
    )
    add("--callers", type=positive, default=2, help="callers at once (default: 2)")
    add("--ramp", type=above_zero, default=1.0, help="callers that start each second (default: 1)")
    add("--minutes", type=above_zero, default=2.0, help="length of the run (default: 2)")
    add("--arrivals", type=above_zero, default=0.0, metavar="PER_MINUTE",
        help="open model: calls arrive at this rate, however long earlier ones take")  # fmt: skip
    add("--scenario", default="receptionist", help="a name in load/scenarios, or a YAML file")
    add("--thresholds", default="", help="YAML file (sample: load/thresholds.yaml)")
    add("--target", type=targets, default=(OURS,), metavar="NAME[,NAME...]",
        help=f"local runs: {', '.join((OURS, *TARGETS))}; several run in turn; both: {BOTH}")  # fmt: skip
    add("--rounds", type=positive, default=3, help="runs of each of several targets (default: 3)")
    add("--seed", type=int, default=0, help="random seed of the calls")
    add("--reports", type=Path, default=None, help="folder of this run's report")
    add("--web", action="store_true", help="open Locust's web page instead of starting at once")
    add("--web-port", type=int, default=8089)
    return parser


def new_folder() -> Path:
    """A folder for a run, named after the current time (UTC)."""
    base = Path(os.environ.get("REPORTS_DIR", "reports")) / "load"
    return base / time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())


def positive(text: str) -> int:
    """Parse a whole number of at least 1. Raises ArgumentTypeError or ValueError."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def above_zero(text: str) -> float:
    """Parse a finite number above 0. Raises ArgumentTypeError."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not (number > 0 and math.isfinite(number)):
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return number


def targets(text: str) -> tuple[str, ...]:
    """Parse names of targets, each at most once. Raises ArgumentTypeError."""
    names = tuple((BOTH if text == "both" else text).split(","))
    for name in names:
        if name != OURS and name not in TARGETS:
            known = ", ".join((OURS, *TARGETS, "both"))
            raise argparse.ArgumentTypeError(f"{name!r} is not one of {known}")
    if len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"{text} names a target twice")
    return names


def locust_arguments(
    given: argparse.Namespace, folder: Path, target: str, for_locust: list[str]
) -> list[str]:
    """The arguments of Locust's command line for these options; keys go through the environment."""
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
        seconds = max(1, round(given.minutes * 60))  # Locust takes 0 for no limit
        arguments += ["--headless", "--run-time", f"{seconds}s", "--only-summary"]
    return arguments + for_locust
