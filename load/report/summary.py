"""Summaries of samples, in milliseconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from load.messages import Message
from load.metrics import Metric

PERCENTS: Final = (50, 90, 95, 99)


def summary(samples: Sequence[Message]) -> dict[str, Any]:
    """Count, errors and percentiles. Times of failed samples are in none of them."""
    good = [sample["ms"] for sample in samples if sample["error"] is None]
    found: dict[str, Any] = {"count": len(good), "errors": len(samples) - len(good)}
    if good:
        values = np.percentile(good, PERCENTS)
        named = zip(PERCENTS, values, strict=True)
        found |= {f"p{percent}": round(float(value), 1) for percent, value in named}
        found |= {
            "mean": round(float(np.mean(good)), 1),
            "min": round(min(good), 1),
            "max": round(max(good), 1),
        }
    return found


def by_metric(samples: Iterable[Message]) -> dict[str, list[Message]]:
    """Samples by metric, in the order of a call, without metrics that have none."""
    found: dict[str, list[Message]] = {metric: [] for metric in Metric}
    for sample in samples:
        found[sample["stage"]].append(sample)
    return {metric: kept for metric, kept in found.items() if kept}


def errors(samples: Iterable[Message]) -> list[dict[str, Any]]:
    """Each error with its number of occurrences, the most frequent first."""
    counts: dict[tuple[str, str], int] = {}
    for sample in samples:
        if sample["error"] is not None:
            key = (sample["stage"], sample["error"])
            counts[key] = counts.get(key, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return [{"stage": s, "error": e, "count": count} for (s, e), count in ordered]
