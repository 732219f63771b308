"""`python -m load.reliability WHAT` runs one measurement on this machine.

burst     create sessions at once: how many get an agent within 30 s, ours and stock in turn
dispatch  time from POST create to the agent in the room, warm, one at a time, ours and stock in turn
kill      kill -9 of a job or a worker: time until another agent is with the caller
creates   kill -9 of the API under 16 writers: acknowledged creates that are not in the database
final     kill -9 of jobs, worker, or jobs and API after the callers left: time until the rows are final
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

from load.reliability import measures
from load.reliability.creates import creates
from load.reliability.testbed import Testbed, testbed

WITHIN: Final = 30.0  # seconds after which a session counts as without an agent


def main() -> int:
    """Run the measurement; returns exit code 1 when an acknowledged create was lost."""
    parser = argparse.ArgumentParser(
        prog="python -m load.reliability",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=("burst", "dispatch", "kill", "final", "creates"))
    parser.add_argument(
        "--times", type=int, default=20, help="number of kills, or of dispatches of each target"
    )
    parser.add_argument("--sizes", default="4,8,10,30", help="burst: numbers of sessions at once")
    parser.add_argument("--rounds", type=int, default=1, help="burst: rounds of each size")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="postgresql")
    parser.add_argument(
        "--whom", choices=("job", "worker"), default="job", help="kill: which process to kill"
    )
    parser.add_argument("--at-once", type=int, default=20, help="final: sessions in one round")
    given = parser.parse_args()
    # As with Ctrl-C, the exception stops every process that was started here.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sizes = [int(size) for size in given.sizes.split(",")]
    runs: Mapping[str, Callable[[Testbed], Awaitable[None]]] = {
        "burst": lambda at: measures.burst(at, sizes, given.rounds, WITHIN),
        "dispatch": lambda at: measures.dispatch(at, given.times, WITHIN),
        "kill": lambda at: measures.kill(at, given.whom, given.times, WITHIN),
        "final": lambda at: measures.final(at, given.times, given.at_once),
    }
    with tempfile.TemporaryDirectory(prefix="reliability-") as folder:
        if given.what == "creates":
            whole, summary = asyncio.run(creates(given.database, given.times, Path(folder)))
            print(summary)
            return 0 if whole else 1
        with_stock = given.what in ("burst", "dispatch")
        with testbed(Path(folder), stock=with_stock) as started:
            asyncio.run(_run(runs[given.what], started))
            print(f"doctor: {started.doctor()}")
    return 0


async def _run(measure: Callable[[Testbed], Awaitable[None]], testbed: Testbed) -> None:
    await measure(testbed)


if __name__ == "__main__":
    sys.exit(main())
