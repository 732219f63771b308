"""Measurements of the benchmark, and the figures computed from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Self

from load.http.variants import Variant
from load.http.wrk import Answers, Scenario


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, least and greatest of several measurements."""

    middle: float
    least: float
    greatest: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Self:
        """The spread of at least one figure."""
        return cls(median(figures), min(figures), max(figures))

    def __str__(self) -> str:
        return f"{self.middle:.2f} ({self.least:.2f}..{self.greatest:.2f})"


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of a process, in megabytes of a million bytes."""

    rss: float
    pss: float


@dataclass(frozen=True, slots=True)
class Run:
    """One run of wrk, and a description of each of its faults."""

    answers: Answers
    faults: tuple[str, ...] = ()

    @classmethod
    def checked(cls, answers: Answers, left: Mapping[str, int]) -> Self:
        """Check a run: `left` counts the things that it left, one of each for every accepted request."""
        faults = []
        if not answers.accepted:
            faults.append("no request was accepted")
        if answers.refused or answers.broken:
            faults.append(f"{answers.refused} answers of 400 and above, {answers.broken} broken")
        for thing, number in left.items():
            if number != answers.accepted:
                faults.append(f"{answers.accepted} accepted requests left {number} {thing}")
        return cls(answers, tuple(faults))

    def __str__(self) -> str:
        answers = self.answers
        figures = (
            f"{answers.throughput:6.0f}/s  p50 {answers.p50:5.1f} ms  p99 {answers.p99:5.1f} ms"
        )
        return "  ".join((figures, *self.faults))


@dataclass(slots=True)
class Result:
    """All measurements of one variant; the runs of a scenario are in the order of the rounds."""

    variant: Variant
    cold_starts: list[float] = field(default_factory=list)
    runs: dict[Scenario, list[Run]] = field(default_factory=lambda: {each: [] for each in Scenario})
    memory: Memory = Memory(0, 0)

    def throughput(self, scenario: Scenario) -> Spread:
        """Accepted responses a second."""
        return Spread.of([run.answers.throughput for run in self.runs[scenario]])

    def p50(self, scenario: Scenario) -> Spread:
        """Median response time, in milliseconds."""
        return Spread.of([run.answers.p50 for run in self.runs[scenario]])

    def p99(self, scenario: Scenario) -> Spread:
        """99th percentile of response times, in milliseconds."""
        return Spread.of([run.answers.p99 for run in self.runs[scenario]])

    def errors(self, scenario: Scenario) -> int:
        """Number of requests that were refused or broken."""
        return sum(run.answers.refused + run.answers.broken for run in self.runs[scenario])

    def faults(self) -> list[str]:
        """A description of each fault of each run."""
        return [
            f"{self.variant.name}, {scenario}, round {number}: {fault}"
            for scenario, runs in self.runs.items()
            for number, run in enumerate(runs, 1)
            for fault in run.faults
        ]


def ratio(ours: Result, other: Result, scenario: Scenario) -> Spread:
    """Throughput of `ours` over `other`, round by round, since a disturbance in a round slows both."""
    pairs = zip(ours.runs[scenario], other.runs[scenario], strict=True)
    return Spread.of([o.answers.throughput / b.answers.throughput for o, b in pairs])
