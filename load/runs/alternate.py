"""Runs one scenario on several targets in turn, so that every claim is a ratio from one run."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from load.exit_codes import UNUSABLE
from load.report.compare import caveats, compare, table
from load.report.results import RESULTS, Results, read_results
from load.report.summary import by_metric, summary
from load.services import OURS

RunOne = Callable[[str, Path], int]


def alternate(
    targets: Sequence[str], rounds: int, folder: Path, run_one: RunOne, stopped: threading.Event
) -> int:
    """Run every target once a round, each round from another one on; returns the worst exit code.

    Leaves a folder for each round and a `<target>.json` with all rounds of a target, and prints the
    comparison of ours with each other target. Starts no further run once `stopped` is set.
    """
    codes = []
    found: dict[str, list[Results]] = {target: [] for target in targets}
    runs = list(_in_turn(targets, rounds))
    for target, number in runs:
        where = folder / f"{target}-{number}"
        codes.append(run_one(target, where))
        if not (where / RESULTS).exists():
            return UNUSABLE
        found[target].append(read_results(where / RESULTS))
        if stopped.is_set():
            print(f"load: stopped after {len(codes)} of {len(runs)} runs", file=sys.stderr)
            codes.append(UNUSABLE)
            break
    if not all(found.values()):
        return UNUSABLE
    whole = {target: merged(each) for target, each in found.items()}
    for target, results in whole.items():
        (folder / f"{target}.json").write_text(json.dumps(results, indent=1) + "\n")
    print(comparison(whole))
    return max(codes)


def _in_turn(targets: Sequence[str], rounds: int) -> Iterator[tuple[str, int]]:
    """The target of each run and the number of its round, from 1."""
    for number in range(rounds):
        for place in range(len(targets)):
            yield targets[(place + number) % len(targets)], number + 1


def merged(rounds: Sequence[Results]) -> Results:
    """Merge several runs into one: the plan of the first, the samples of all."""
    samples = [sample for each in rounds for sample in each["samples"]]
    lists = ("turns", "errors", "machine_by_second", "partial_because", "warnings", "missed")
    return {
        **rounds[0],
        **{name: [entry for each in rounds for entry in each[name]] for name in lists},
        "samples": samples,
        "seconds": sum(each["seconds"] for each in rounds),
        "partial": any(each["partial"] for each in rounds),
        "calls": {name: sum(each["calls"][name] for each in rounds) for name in rounds[0]["calls"]},
        "stages": {metric: summary(kept) for metric, kept in by_metric(samples).items()},
    }


def comparison(whole: Mapping[str, Results]) -> str:
    """The comparison of ours (B) with each other target (A), and the reasons why it may prove little."""
    lines = []
    for target, results in whole.items():
        if target != OURS and OURS in whole:
            lines += [f"\nA: {target}, B: {OURS}", table(compare(results, whole[OURS]))]
    lines += [caveat for target, results in whole.items() for caveat in caveats(target, results)]
    return "\n".join(lines)
