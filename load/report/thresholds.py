"""Thresholds of a run: a YAML file of percentiles and counts for each metric."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from load.metrics import Metric
from load.yaml_file import read_model

PERCENTILES: Final = ("p50", "p90", "p95", "p99", "max")


class Limits(BaseModel):
    """Limits of one metric: percentiles (ms), number of errors, most and fewest samples."""

    model_config = ConfigDict(extra="forbid")

    p50: float | None = Field(default=None, gt=0)
    p90: float | None = Field(default=None, gt=0)
    p95: float | None = Field(default=None, gt=0)
    p99: float | None = Field(default=None, gt=0)
    max: float | None = Field(default=None, gt=0)
    errors: int | None = Field(default=None, ge=0)
    at_most: int | None = Field(default=None, ge=0)
    at_least: int | None = Field(default=None, ge=0)


class Thresholds(BaseModel):
    """Limits by metric."""

    model_config = ConfigDict(extra="forbid")

    stages: dict[Metric, Limits]


def read_thresholds(path: Path) -> Thresholds:
    """Read thresholds from a file. Raises FileError, which names unknown metrics and keys."""
    return read_model(path, Thresholds)


def missed(thresholds: Thresholds, metrics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A description of each missed limit; a percentile without samples is missed too."""
    return [
        f"{metric}: {words}"
        for metric, limits in thresholds.stages.items()
        for words in _missed(limits, metrics.get(metric, {"count": 0, "errors": 0}))
    ]


def _missed(limits: Limits, found: Mapping[str, Any]) -> Iterator[str]:
    for name in PERCENTILES:
        wanted = getattr(limits, name)
        if wanted is None:
            continue
        reached = found.get(name)
        if reached is None:
            yield f"{name} must be {wanted:g} ms or less, but nothing was measured"
        elif reached > wanted:
            yield f"{name} is {reached:.0f} ms, not {wanted:g} or less"
    if limits.errors is not None and found["errors"] > limits.errors:
        yield f"{found['errors']} errors, not {limits.errors} or less"
    if limits.at_most is not None and found["count"] > limits.at_most:
        yield f"{found['count']} samples, not {limits.at_most} or less"
    if limits.at_least is not None and found["count"] < limits.at_least:
        yield f"{found['count']} samples, not {limits.at_least} or more"
