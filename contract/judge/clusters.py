"""Findings, and clusters of findings that seem to have one cause, seen from outside."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from contract.judge.compare import Difference


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference in one step that neither a rule nor noise explains."""

    step: int
    operation: str
    statuses: tuple[int, int]
    difference: Difference


@dataclass(frozen=True, slots=True)
class Cluster:
    """Findings that seem to have one cause: the same kind of difference at the same place.

    `operation` is `*` when several operations show it. `fingerprint` is stable over runs: it comes
    from kind, place and, where these tell causes apart, the new status or the kinds of body.
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
        where = "several operations" if self.operation == "*" else self.operation
        if self.kind == "status":
            return f"{where}: status {new} instead of {old}"
        return f"{where}: {self.kind} at {self.at} (old {old}, new {new})"


# Where the status or the kind of body differs, the other differences are consequences.
_LEADING = ("status", "body kind")
_REFUSALS = (400, 413, 415, 422, 431)
_Key = tuple[str, str, str]


def clusters(findings: Iterable[Finding]) -> list[Cluster]:
    """Group findings; within a step, consequences join their cause."""
    by_step: dict[int, list[Finding]] = {}
    for finding in findings:
        by_step.setdefault(finding.step, []).append(finding)
    causes = {step: _leading(of_step) for step, of_step in by_step.items()}
    # A place that also differs on its own in some step has a cause of its own everywhere.
    own = {_key(f) for step, fs in by_step.items() if causes[step] is None for f in fs}
    groups: dict[_Key, list[Finding]] = {}
    for step, of_step in by_step.items():
        cause = causes[step]
        for finding in of_step:
            key = _key(finding)
            follows = cause is not None and not (key in own and _is_header(key))
            groups.setdefault(_key(cause) if follows and cause else key, []).append(finding)
    merged = _merged(groups)
    found = [_cluster(key, members) for key, members in merged.items()]
    return sorted(found, key=lambda c: (-len(c.findings), c.fingerprint))


def _leading(of_step: list[Finding]) -> Finding | None:
    for kind in _LEADING:
        for finding in of_step:
            if finding.difference.kind == kind:
                return finding
    return None


def _merged(groups: dict[_Key, list[Finding]]) -> dict[_Key, list[Finding]]:
    """Groups; one that differs only together with a larger group joins it."""
    steps = {key: {finding.step for finding in members} for key, members in groups.items()}
    by_size = sorted(groups, key=lambda key: (-len(steps[key]), key))
    kept: dict[_Key, list[Finding]] = {}
    for key in by_size:
        home = next(
            (
                larger
                for larger in kept
                if _is_header(larger) == _is_header(key)
                and larger[1] not in _LEADING
                and key[1] not in _LEADING
                and steps[key] <= steps[larger]
            ),
            key,
        )
        kept.setdefault(home, []).extend(groups[key])
    return kept


def _cluster(key: _Key, members: list[Finding]) -> Cluster:
    """A cluster; the finding to show comes first: the earliest of the cluster's own kind."""
    _, kind, at = key
    members = sorted(members, key=lambda f: (_key(f) != key, f.step))
    operations = {finding.operation for finding in members}
    operation = operations.pop() if len(operations) == 1 else "*"
    fingerprint = hashlib.sha256(repr(key).encode()).hexdigest()[:12]
    return Cluster(fingerprint, operation, members[0].statuses, kind, at, tuple(members))


def _key(finding: Finding) -> _Key:
    """What tells causes apart: the new status, the kinds of body, the place of a value.

    Numbers and flags of a body count as one place: a single wrong state shows in many of them.
    """
    difference = finding.difference
    at = re.sub(r"/\d+(?=/|$)", "/*", difference.at)
    if difference.kind == "status":
        status = finding.statuses[1]
        return "refused" if status in _REFUSALS else str(status), difference.kind, at
    if difference.kind == "body kind":
        kinds = (text.partition(" ")[0] for text in (difference.expected, difference.actual))
        said = ["nothing" if kind in ("empty", "null") else kind for kind in kinds]
        return " for ".join(said), difference.kind, at
    if difference.kind == "value" and _is_state(difference.expected):
        return "", difference.kind, "numbers and flags of the body"
    return "", difference.kind, at


def _is_state(text: str) -> bool:
    return text in ("true", "false") or re.fullmatch(r"-?\d.*", text) is not None


def _is_header(key: _Key) -> bool:
    return key[2].startswith("header ")
