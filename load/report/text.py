"""The results as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from load.report.results import Results

COLUMNS = ("p50", "p90", "p95", "p99", "max")


def text(results: Results) -> str:
    """A table of the metrics, then errors, warnings and missed thresholds."""
    return "\n".join(_lines(results))


def _lines(results: Results) -> Iterator[str]:
    yield f"{'metric, ms':<30}{'count':>7}{'errors':>8}" + "".join(f"{c:>8}" for c in COLUMNS)
    for metric, found in results["stages"].items():
        figures = "".join(f"{found[c]:>8.0f}" if c in found else f"{'-':>8}" for c in COLUMNS)
        yield f"{metric:<30}{found['count']:>7}{found['errors']:>8}{figures}"
    yield f"calls: {results['calls']['begun']} begun, {results['calls']['whole']} whole"
    if (cpu := results["load_machine"]["cpu_per_caller"]) is not None:
        yield f"each caller used {cpu:g} % of a core of the load machine, without recognition"
    for error in results["errors"]:
        yield f"ERROR    {error['count']} x {error['stage']}: {error['error']}"
    for warning in results["warnings"]:
        yield f"WARNING  {warning}"
    for why in results["partial_because"]:
        yield f"PARTIAL  {why}"
    for miss in results["missed"]:
        yield f"MISSED   {miss}"
