"""Compares two runs, with intervals that distinguish a difference from chance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from load.metrics import Metric

RESAMPLES: Final = 2000  # of the bootstrap
PERCENTS: Final = (50, 95)  # the percentiles to compare
SEED: Final = 1  # of the bootstrap, so that a comparison gives the same intervals again
FEW: Final = 10  # calls; with fewer the bootstrap's intervals are too narrow

Figures = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Difference:
    """A percentile of one metric in A and in B (ms), and the ratio B/A with its 95 % interval."""

    metric: str
    percent: int
    first: float
    second: float
    ratio: float
    low: float
    high: float

    @property
    def certain(self) -> bool:
        """Whether the interval excludes 1, which would be no difference."""
        return not self.low <= 1 <= self.high

    def __str__(self) -> str:
        mark = "*" if self.certain else " "
        return (
            f"{self.metric:<30}p{self.percent:<4}{self.first:>9.1f}{self.second:>9.1f}"
            f"{self.ratio:>8.2f} ({self.low:.2f}..{self.high:.2f}) {mark}"
        )


def compare(first: dict[str, Any], second: dict[str, Any]) -> list[Difference]:
    """The differences in every metric that both runs measured in at least two calls."""
    return list(_differences(first, second))


def _differences(first: dict[str, Any], second: dict[str, Any]) -> Iterator[Difference]:
    dice = np.random.default_rng(SEED)
    for metric in Metric:
        groups = [_by_call(results, metric) for results in (first, second)]
        if min(map(len, groups)) < 2:
            continue
        drawn = [_resampled(each, dice) for each in groups]
        whole = [np.percentile(np.concatenate(each), PERCENTS) for each in groups]
        for place, percent in enumerate(PERCENTS):
            a, b = (float(each[place]) for each in whole)
            with np.errstate(divide="ignore", invalid="ignore"):
                ratios = drawn[1][:, place] / drawn[0][:, place]
            ratios = ratios[np.isfinite(ratios)]
            if a <= 0 or not len(ratios):
                continue  # a ratio to 0 is undefined
            low, high = (float(value) for value in np.percentile(ratios, (2.5, 97.5)))
            yield Difference(metric, percent, a, b, b / a, low, high)


def _by_call(results: dict[str, Any], metric: str) -> list[Figures]:
    groups: dict[str, list[float]] = {}
    for sample in results["samples"]:
        if sample["stage"] == metric and sample["error"] is None:
            groups.setdefault(sample["call"], []).append(sample["ms"])
    return [np.array(figures) for figures in groups.values()]


def _resampled(groups: Sequence[Figures], dice: np.random.Generator) -> Figures:
    """Percentiles of each resample, as rows. Draws whole calls, since turns of a call are correlated."""
    rows = []
    for _ in range(RESAMPLES):
        drawn = dice.integers(len(groups), size=len(groups))
        rows.append(np.percentile(np.concatenate([groups[place] for place in drawn]), PERCENTS))
    return np.array(rows)


def table(differences: Sequence[Difference]) -> str:
    """The differences as a table for people."""
    head = f"{'metric, ms':<30}{'':<5}{'A':>9}{'B':>9}{'B/A':>8} (95 % interval)"
    foot = "* the interval excludes 1.00. Bootstrap over calls."
    return "\n".join([head, *map(str, differences), foot])


def caveats(name: str, results: dict[str, Any]) -> list[str]:
    """Reasons why a comparison with these results proves little."""
    found = [f"{name} is partial: {why}" for why in results["partial_because"]]
    found += [f"{name}: {warning}" for warning in results["warnings"]]
    for metric, kept in results["stages"].items():
        if failed := kept["errors"]:
            tried = kept["count"] + failed
            found.append(f"{name}: {metric}: {failed} of {tried} failed and are not in the ratio")
    if (whole := results["calls"]["whole"]) < FEW:
        found.append(
            f"{name} has {whole} whole calls: with fewer than {FEW} the intervals are too narrow"
        )
    return found
