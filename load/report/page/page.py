"""The HTML page of a run, everything in one file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from load.metrics import Metric
from load.report.page import charts
from load.report.results import Results

NO_TURNS: Final = Markup('<p class="note">No turn was answered.</p>')


def page(results: Results) -> str:
    """Render the results as HTML."""
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    environment.filters |= {"num": _number, "ms": _ms, "pct": _percent}
    metrics = results["stages"]
    voice = [
        sample
        for sample in results["samples"]
        if sample["stage"] == Metric.VOICE_TO_VOICE and sample["error"] is None
    ]
    name = Metric.VOICE_TO_VOICE.value
    return environment.get_template("page.html.j2").render(
        **results,
        voice=metrics.get(Metric.VOICE_TO_VOICE, {}),
        answers=metrics.get(Metric.ANSWER, {}),
        no_turns=NO_TURNS,
        # Charts escape their own content.
        time_chart=Markup(charts.over_time([(s["at"], s["ms"]) for s in voice], name)),  # noqa: S704
        callers_chart=Markup(  # noqa: S704
            charts.over_callers([(s["callers"], s["ms"]) for s in voice], name)
        ),
        waterfalls=list(_waterfalls(results["turns"])),
    )


def _waterfalls(turns: Sequence[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any], Markup]]:
    known = sorted((t for t in turns if t.get("parts")), key=lambda t: t["voice_to_voice"])
    if not known:
        return
    for title, turn in (("A typical turn", known[len(known) // 2]), ("The worst turn", known[-1])):
        chart = charts.waterfall(turn["parts"], turn["voice_to_voice"])
        yield title, turn, Markup(chart)  # noqa: S704


def _number(value: object) -> str:
    return f"{value:.0f}" if isinstance(value, int | float) else "-"


def _ms(value: object) -> str:
    return f"{_number(value)} ms"


def _percent(value: object) -> str:
    return f"{_number(value)} %"
