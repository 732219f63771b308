"""Findings, and the clusters of those that have one cause as far as can be told from outside."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from contract.compare import Difference


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference in one step that neither the ledger nor noise accounts for."""

    step: int
    operation: str
    statuses: tuple[int, int]
    difference: Difference


@dataclass(frozen=True, slots=True)
class Cluster:
    """Findings with the same operation, statuses, kind and place.

    `fingerprint` is stable over runs: it is made of those four alone.
    """

    fingerprint: str
    operation: str
    statuses: tuple[int, int]
    kind: str
    at: str
    findings: tuple[Finding, ...]

    @property
    def first(self) -> Finding:
        """The finding to show."""
        return self.findings[0]

    @property
    def title(self) -> str:
        """One line for people."""
        old, new = self.statuses
        return f"{self.operation}: {self.kind} at {self.at} (old {old}, new {new})"


# When the status or the kind of body differs, the rest of the answer differs as a consequence.
_LEADING = ("status", "body kind")


def clusters(findings: Iterable[Finding]) -> list[Cluster]:
    """Group findings; within a step, consequences follow their cause."""
    by_step: dict[int, list[Finding]] = {}
    for finding in findings:
        by_step.setdefault(finding.step, []).append(finding)
    groups: dict[tuple[str, tuple[int, int], str, str], list[Finding]] = {}
    for of_step in by_step.values():
        leading = next((f for kind in _LEADING for f in of_step if f.difference.kind == kind), None)
        if leading is not None:
            groups.setdefault(_key(leading), []).extend(of_step)
        else:
            for finding in of_step:
                groups.setdefault(_key(finding), []).append(finding)
    found = [Cluster(_fingerprint(key), *key, tuple(members)) for key, members in groups.items()]
    return sorted(_everywhere(found), key=lambda c: (-len(c.findings), c.fingerprint))


def _everywhere(found: list[Cluster]) -> list[Cluster]:
    """A header that differs in the same way all over is one cause, not one for each operation."""
    by_place: dict[tuple[str, str], list[Cluster]] = {}
    rest = []
    for cluster in found:
        if cluster.at.startswith("header "):
            by_place.setdefault((cluster.kind, cluster.at), []).append(cluster)
        else:
            rest.append(cluster)
    for (kind, at), parts in by_place.items():
        if len(parts) < 3:
            rest += parts
            continue
        key = ("*", parts[0].statuses, kind, at)
        members = sorted((f for part in parts for f in part.findings), key=lambda f: f.step)
        rest.append(Cluster(_fingerprint(("*", (0, 0), kind, at)), *key, tuple(members)))
    return rest


def _key(finding: Finding) -> tuple[str, tuple[int, int], str, str]:
    at = re.sub(r"/\d+(?=/|$)", "/*", finding.difference.at)
    return finding.operation, finding.statuses, finding.difference.kind, at


def _fingerprint(key: tuple[str, tuple[int, int], str, str]) -> str:
    return hashlib.sha256(repr(key).encode()).hexdigest()[:12]
