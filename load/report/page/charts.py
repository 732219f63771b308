"""Plots as inline SVG, without scripts or network access. The y axis is milliseconds, from zero."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

import numpy as np

WIDTH: Final = 860
HEIGHT: Final = 260
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 14, 36
COLOURS: Final = ("#8a96a3", "#c9cfd6", "#2f7ed8", "#e0703c", "#3a9d6e", "#8a96a3")
TICKS: Final = 5


@dataclass(frozen=True, slots=True)
class Axis:
    """Maps values from 0 to `top` to pixels from `begin` to `end`, with a grid line every `step`."""

    top: float
    step: float
    begin: float
    end: float

    @classmethod
    def up_to(cls, most: float, begin: float, end: float) -> Axis:
        """An axis with round numbers whose top is at least `most`."""
        rough = max(most, 1e-9) / TICKS
        unit = 10 ** math.floor(math.log10(rough))
        step = next(unit * times for times in (1, 2, 5, 10) if unit * times >= rough)
        return cls(math.ceil(most / step) * step or step, step, begin, end)

    def at(self, value: float) -> float:
        """The pixel of a value."""
        return self.begin + (self.end - self.begin) * value / self.top

    def ticks(self) -> list[float]:
        """Values of the grid lines."""
        return [self.step * n for n in range(round(self.top / self.step) + 1)]


def over_time(points: Sequence[tuple[float, float]], name: str) -> str:
    """Draw each measurement (seconds, ms) as a dot, and the median of each twentieth of the time."""
    if not points:
        return ""
    x = Axis.up_to(max(t for t, _ in points), LEFT, WIDTH - RIGHT)
    y = Axis.up_to(max(ms for _, ms in points), HEIGHT - BOTTOM, TOP)
    dots = "".join(
        f'<circle cx="{x.at(t):.1f}" cy="{y.at(ms):.1f}" r="3"><title>{ms:.0f} ms at {t:.0f} s'
        "</title></circle>"
        for t, ms in points
    )
    line = " ".join(f"{x.at(t):.1f},{y.at(ms):.1f}" for t, ms in _medians(points, x.top / 20))
    body = f'<g class="dots">{dots}</g><polyline class="median" points="{line}"/>'
    return _framed(x, y, body, f"{name}, ms", "seconds since the run began")


def over_callers(points: Sequence[tuple[int, float]], name: str) -> str:
    """For each number of concurrent callers, draw p50 as a dot, p95 as a line's end, and the count."""
    if not points:
        return ""
    groups: dict[int, list[float]] = {}
    for callers, ms in points:
        groups.setdefault(callers, []).append(ms)
    x = Axis.up_to(max(TICKS, max(groups) + 1), LEFT, WIDTH - RIGHT)
    y = Axis.up_to(max(ms for _, ms in points), HEIGHT - BOTTOM, TOP)
    body = []
    for callers, figures in sorted(groups.items()):
        p50, p95 = (float(value) for value in np.percentile(figures, (50, 95)))
        at = x.at(callers)
        middle, high = y.at(p50), y.at(p95)
        note = f"p50 {p50:.0f}, p95 {p95:.0f} ({len(figures)})"
        body += [
            _line("span", at, middle, at, high),
            _line("span", at - 7, high, at + 7, high),
            f'<circle class="middle" cx="{at:.1f}" cy="{middle:.1f}" r="6"/>',
            _text(at + 12, middle + 4, note, "start"),
        ]
    return _framed(x, y, "".join(body), f"{name}, ms", "callers in a call at once")


def waterfall(parts: Mapping[str, float], total: float) -> str:
    """Draw the parts of one turn below each other; the x axis is ms from the caller's last sample."""
    row, label = 30, 210
    height = row * len(parts) + BOTTOM
    x = Axis.up_to(total, LEFT + label - 40, WIDTH - RIGHT - 50)
    begin, rows = 0.0, []
    for place, ((name, ms), colour) in enumerate(zip(parts.items(), COLOURS, strict=False)):
        left, right = sorted((x.at(max(0.0, begin)), x.at(max(0.0, begin + ms))))
        middle = row * place + row / 2 + 5
        rows += [
            _text(LEFT + label - 50, middle, name, "end"),
            _bar(left, row * place + 5, right - left, row - 10, colour),
            _text(right + 6, middle, f"{ms:.0f}", "start"),
        ]
        begin += ms
    for tick in x.ticks():
        at = x.at(tick)
        rows.insert(0, _line("grid", at, 0, at, height - BOTTOM))
        rows.append(_text(at, height - BOTTOM + 18, f"{tick:g}"))
    return _svg(height, "".join(rows))


def _medians(points: Sequence[tuple[float, float]], width: float) -> Iterator[tuple[float, float]]:
    groups: dict[int, list[float]] = {}
    for t, ms in points:
        groups.setdefault(int(t / width), []).append(ms)
    for place, figures in sorted(groups.items()):
        yield (place + 0.5) * width, float(np.median(figures))


def _framed(x: Axis, y: Axis, body: str, above: str, below: str) -> str:
    lines = []
    for tick in y.ticks():
        at = y.at(tick)
        lines += [
            _line("grid", LEFT, at, WIDTH - RIGHT, at),
            _text(LEFT - 8, at + 4, f"{tick:g}", "end"),
        ]
    under = HEIGHT - BOTTOM + 16
    lines += [_text(x.at(tick), under, f"{tick:g}") for tick in x.ticks()]
    lines.append(_text((LEFT + WIDTH) / 2, HEIGHT - 4, below))
    return f"<p>{escape(above)}</p>" + _svg(HEIGHT, "".join(lines) + body)


def _text(x: float, y: float, content: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(content)}</text>'


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _bar(x: float, y: float, width: float, height: float, colour: str) -> str:
    size = f'width="{max(1.5, width):.1f}" height="{height:.1f}"'
    return f'<rect x="{x:.1f}" y="{y:.1f}" {size} fill="{colour}"/>'


def _svg(height: float, body: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img">{body}</svg>'
