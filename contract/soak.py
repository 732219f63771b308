"""Many fresh runs of the gate, which must raise no false alarm and always give the same verdict.

`python -m contract.soak --runs 100` compares 100 times old with old (with an empty ledger: nothing may
differ) and 100 times old with ours; `--whole 20` adds 20 whole runs with their self-test. Every run
starts its own services. Exit code 0: no run found anything, and all verdict files of a kind are equal,
byte by byte.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from json import loads
from pathlib import Path
from typing import Final

from contract.agent_api.services.old_service import MANAGED_KEY, OLD_DATABASE
from fixtures.servers.node_service import NodeService

_EMPTY: Final = "entries: []\n"


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one run; `digest` is the hash of its verdict file."""

    clusters: int
    failures: tuple[str, ...]
    digest: str
    seconds: float


def main() -> int:
    """Run all kinds and print the result of each."""
    parser = argparse.ArgumentParser(prog="python -m contract.soak", description=__doc__)
    parser.add_argument(
        "--runs", type=int, default=100, help="runs of old with old, and of old with ours"
    )
    parser.add_argument("--whole", type=int, default=20, help="runs with the self-test")
    given = parser.parse_args()
    kinds: dict[str, tuple[int, Callable[[Path], Result]]] = {
        "old with old": (given.runs, old_with_old),
        "old with ours": (given.runs, lambda folder: gate(folder, "compare")),
        "whole gate": (given.whole, lambda folder: gate(folder, "gate")),
    }
    results = [soak(kind, count, run) for kind, (count, run) in kinds.items() if count]
    return 0 if results and all(results) else 1


def soak(kind: str, count: int, run: Callable[[Path], Result]) -> bool:
    """Run one kind, each time in a fresh folder; false after an alarm or two different verdicts."""
    found: list[Result] = []
    for number in range(1, count + 1):
        with tempfile.TemporaryDirectory(prefix="parity-soak-") as folder:
            found.append(run(Path(folder)))
        last = found[-1]
        if last.clusters or last.failures:
            print(f"  {kind}, run {number}: {last.clusters} clusters {' '.join(last.failures)}")
    alarms = sum(bool(run.clusters or run.failures) for run in found)
    digests = {run.digest for run in found}
    times = sorted(run.seconds for run in found)
    print(
        f"{kind}: {alarms} false alarms in {count} runs, {len(digests)} different verdict files, "
        f"{times[0]:.1f} to {times[-1]:.1f} s, median {times[len(times) // 2]:.1f} s",
        flush=True,
    )
    return not alarms and len(digests) == 1


def old_with_old(folder: Path) -> Result:
    """Compare three fresh instances of the old service, with an empty ledger."""
    ledger = folder / "ledger.yaml"
    ledger.write_text(_EMPTY, "utf-8")
    with _old_services(3) as (old, again, new):
        return gate(
            folder,
            *("compare", "--old", old, "--old-again", again, "--new", new),
            *("--key", MANAGED_KEY, "--ledger", str(ledger)),
        )


@contextmanager
def _old_services(count: int) -> Iterator[list[str]]:
    with ExitStack() as stack:
        services = [
            NodeService(api_key=MANAGED_KEY, database_url=OLD_DATABASE) for _ in range(count)
        ]
        for service in services:
            stack.callback(service.stop)
            service.start()
        yield [service.url for service in services]


def gate(folder: Path, *arguments: str) -> Result:
    """Run the gate once, with its report in the folder."""
    start = time.monotonic()
    command = [sys.executable, "-m", "contract", *arguments, "--report", str(folder)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - start
    try:
        text = (folder / "verdict.json").read_bytes()
    except FileNotFoundError:
        return Result(0, (f"no verdict: {process.stderr[-500:]}",), "", seconds)
    verdict = loads(text)
    failures = tuple(verdict["failures"])
    if verdict["self_test"] is not None and verdict["self_test"]["missed"]:
        failures += (f"missed {', '.join(verdict['self_test']['missed'])}",)
    return Result(len(verdict["clusters"]), failures, sha256(text).hexdigest(), seconds)


if __name__ == "__main__":
    sys.exit(main())
