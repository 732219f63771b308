"""The verdict, and verdict.json with it for programs (verdict.schema.json)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from contract.api.specification import Pair
from contract.judge.clusters import Cluster
from contract.judge.comparison import Comparison
from contract.judge.shrink import Shortest
from contract.ledger.audit import Fault
from contract.ledger.entries import Entry
from contract.mutants.self_test import Score
from contract.targets.testbed import Coverage

SCHEMA: Final = Path(__file__).parent / "verdict.schema.json"


class Verdict(StrEnum):
    """The three verdicts of a run."""

    PARITY = "parity"
    DIVERGENCE = "divergence"
    INCONCLUSIVE = "inconclusive"

    @property
    def exit_code(self) -> int:
        """0, 1 or 2."""
        return list(Verdict).index(self)


@dataclass(frozen=True, slots=True)
class Side:
    """One compared new service: its name, the comparison, the shortest replay by fingerprint."""

    name: str
    comparison: Comparison
    replays: Mapping[str, Shortest] = field(default_factory=dict)

    def replay(self, cluster: Cluster) -> Shortest:
        """The shortest replay of a cluster; its first step alone where none was looked for."""
        alone = Shortest((cluster.first.step,), reduced=False)
        return self.replays.get(cluster.fingerprint, alone)


@dataclass
class Report:
    """The results of a run; filled while it runs, so that an interrupted one loses nothing."""

    seed: int
    corpus_hash: str = ""
    corpus_size: int = 0
    sides: list[Side] = field(default_factory=list)
    entries: Sequence[Entry] = ()
    faults: list[Fault] = field(default_factory=list)
    unobserved: list[Pair] = field(default_factory=list)
    not_demanded: list[Pair] = field(default_factory=list)
    score: Score | None = None
    failures: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    coverage: Coverage | None = None

    @property
    def clusters(self) -> list[tuple[Side, Cluster]]:
        """All clusters of all sides."""
        return [(side, cluster) for side in self.sides for cluster in side.comparison.clusters]

    @property
    def verdict(self) -> Verdict:
        """Failures of the proof come first, then findings, then gaps of the proof."""
        if self.failures:
            return Verdict.INCONCLUSIVE
        if self.clusters or self.faults:
            return Verdict.DIVERGENCE
        return Verdict.PARITY if self._gap is None else Verdict.INCONCLUSIVE

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        if self.failures:
            found = len(self.clusters)
            more = f"; {found} cluster{'s' * (found != 1)} of differences besides" * bool(found)
            return f"Inconclusive: {self.failures[0]}{more}"
        if self.clusters or self.faults:
            count, faulty = len(self.clusters), len(self.faults)
            parts = [f"{count} cluster{'s' * (count != 1)} of differences"] * bool(count)
            parts += [f"{faulty} fault{'s' * (faulty != 1)} of the ledger"] * bool(faulty)
            return f"Divergence: {' and '.join(parts)}."
        if self._gap is not None:
            return f"Inconclusive: {self._gap}."
        used = sum(bool(self.uses(entry.id)) for entry in self.entries)
        return (
            f"Parity: {self.corpus_size} requests were answered alike, but for what "
            f"{used} entries of the ledger decided."
        )

    @property
    def _gap(self) -> str | None:
        """What a proof of parity lacks, or None."""
        if not self.sides:
            return "no service was compared"
        if self.unobserved:
            return f"documented and never observed: {', '.join(map(str, self.unobserved))}"
        if self.score is None or self.score.passed:
            return None
        if self.score.control_findings:
            return "the old service, compared with itself, is not silent"
        if self.score.missed:
            missed = ", ".join(outcome.mutant.id for outcome in self.score.missed)
            return f"seeded divergences were not noticed: {missed}"
        return "no seeded divergence was tried"

    def uses(self, entry: str) -> int:
        """The number of answers that needed an entry."""
        return sum(len(side.comparison.uses.get(entry, ())) for side in self.sides)

    def as_json(self) -> dict[str, Any]:
        """The content of verdict.json, with nothing that changes from run to run."""
        return {
            "verdict": str(self.verdict),
            "sentence": self.sentence,
            "seed": self.seed,
            "corpus": {"hash": self.corpus_hash, "requests": self.corpus_size},
            "counts": {
                "clusters": len(self.clusters),
                "findings": sum(len(c.findings) for _, c in self.clusters),
                "noise": sum(len(side.comparison.noise.places) for side in self.sides),
            },
            "failures": self.failures,
            "warnings": self.warnings,
            "targets": [self._side(side) for side in self.sides],
            "observed": sorted(
                [operation, status]
                for operation, status in set().union(*(s.comparison.observed for s in self.sides))
            ),
            "unobserved": [[pair.operation, pair.status] for pair in self.unobserved],
            "needs_fault": [
                [pair.operation, pair.status, list(pair.faults)] for pair in self.not_demanded
            ],
            "clusters": [self._cluster(side, cluster) for side, cluster in self.clusters],
            "ledger": {
                "used": {e.id: self.uses(e.id) for e in self.entries if self.uses(e.id)},
                "unused": [e.id for e in self.entries if not self.uses(e.id)],
                "faults": [[fault.entry, fault.problem, fault.detail] for fault in self.faults],
            },
            "self_test": None if self.score is None else _score(self.score),
        }

    def _side(self, side: Side) -> dict[str, Any]:
        found = side.comparison
        return {
            "name": side.name,
            "compared": len(found.exchanges),
            "left_out": {str(step): why for step, why in sorted(found.left_out.items())},
            "noise": found.noise.listed(),
        }

    def _cluster(self, side: Side, cluster: Cluster) -> dict[str, Any]:
        return {
            "fingerprint": cluster.fingerprint,
            "target": side.name,
            "about": cluster.about,
            "operation": cluster.operation,
            "statuses": list(cluster.statuses),
            "kind": cluster.kind,
            "at": cluster.at,
            "findings": len(cluster.findings),
            "example": {
                "step": cluster.first.step,
                "at": cluster.first.difference.at,
                "expected": cluster.first.difference.expected[:2000],
                "actual": cluster.first.difference.actual[:2000],
            },
            "steps": sorted({finding.step for finding in cluster.findings}),
            "minimal_replay": list(side.replay(cluster).steps),
            "reduced": side.replay(cluster).reduced,
        }


def write(report: Report, folder: Path) -> None:
    """Write verdict.json."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report.as_json(), indent=2, ensure_ascii=True) + "\n"
    (folder / "verdict.json").write_text(text, "utf-8")


def _score(score: Score) -> dict[str, Any]:
    return {
        "mutants": len(score.outcomes),
        "caught": sum(outcome.caught for outcome in score.outcomes),
        "caught_by_status_alone": sum(outcome.status_only for outcome in score.outcomes),
        "classes": sorted({outcome.mutant.kind for outcome in score.outcomes}),
        "missed": [outcome.mutant.id for outcome in score.missed],
        "control_findings": score.control_findings,
    }
