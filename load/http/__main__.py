"""`python -m load.http` runs the HTTP benchmark, prints a table and writes JSON.

Exit codes: 0 success; 1 a response or a stored row was wrong, or, with --check, a threshold was missed;
2 a program or a server that it needs is missing.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from fixtures.servers import ServerUnavailableError
from load.exit_codes import MISSED, UNUSABLE
from load.http.bench import Plan, measure
from load.http.report import table, write_json
from load.http.service import ServiceError
from load.http.thresholds import missed
from load.http.wrk import WrkError

_HELP = {
    "rounds": "runs of each scenario and variant",
    "seconds": "length of a run, in seconds",
    "warm_up": "length of the run before the first round, in seconds",
    "connections": "persistent connections, each with one request under way",
    "agents": "number of agents; creates and sessions are spread over them",
    "cold_starts": "number of timed starts",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    given = vars(_parser().parse_args(argv))
    check: bool = given.pop("check")
    reports: Path = given.pop("reports")
    plan = Plan(**given)
    log = partial(print, flush=True)
    try:
        results = measure(plan, log)
    except (WrkError, ServerUnavailableError, ServiceError) as error:
        print(f"load.http: {error}", file=sys.stderr)
        return UNUSABLE
    log(table(results))
    below = missed(results)
    path = reports / "load-http" / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.json"
    write_json(path, plan, results, below)
    log(f"\nevery run: {path}")
    faults = [fault for result in results for fault in result.faults()]
    for fault in faults:
        log(f"WRONG   {fault}")
    for line in below:
        log(f"MISSED  {line}")
    return MISSED if faults or (check and below) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m load.http",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    for name, value in asdict(Plan()).items():
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=_positive, default=value, help=_HELP[name])
    parser.add_argument("--check", action="store_true", help="fail when a threshold is missed")
    parser.add_argument(
        "--reports",
        type=Path,
        default=Path(os.environ.get("REPORTS_DIR", "reports")),
        help="folder for the reports",
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
