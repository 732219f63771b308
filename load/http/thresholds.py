"""The thresholds that our API must meet, absolute and relative to the baseline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Final

from load.http.results import Result, ratio
from load.http.variants import Kind
from load.http.wrk import Scenario

# Least throughput relative to the baseline, by database.
RATIO: Final[Mapping[Kind, float]] = {Kind.POSTGRESQL: 2.0, Kind.SQLITE: 3.0}
COLD_START: Final = 0.7  # seconds from start to first response, exclusive
RSS: Final = 70.0  # megabytes of resident memory after the load, exclusive


def missed(results: Sequence[Result]) -> list[str]:
    """A description of each threshold that one of our variants misses, by its median."""
    baseline = next(result for result in results if not result.variant.is_ours)
    ours = [result for result in results if result.variant.is_ours]
    return [
        f"{result.variant.name}: {words}" for result in ours for words in _missed(result, baseline)
    ]


def _missed(result: Result, baseline: Result) -> Iterator[str]:
    for scenario in Scenario:
        reached, wanted = ratio(result, baseline, scenario), RATIO[result.variant.kind]
        if reached.middle < wanted:
            yield f"{scenario} reaches {reached} times the baseline, not {wanted:g}"
        ours, theirs = result.p99(scenario).middle, baseline.p99(scenario).middle
        if ours >= theirs:
            yield f"{scenario} has a p99 of {ours:.1f} ms, the baseline {theirs:.1f} ms"
    cold_start = median(result.cold_starts)
    if cold_start >= COLD_START:
        yield f"the first answer takes {cold_start:.2f} s, not under {COLD_START} s"
    if result.memory.rss >= RSS:
        yield f"holds {result.memory.rss:.0f} MB after the load, not under {RSS:.0f} MB"
