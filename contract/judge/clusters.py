"""Findings, and clusters of findings that seem to have one cause, seen from outside."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from contract.judge.compare import Difference


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference in one step that neither a rule nor noise explains.

    `about`: `parity` with the old service, or the `contract`, where the old service knows nothing.
    """

    step: int
    operation: str
    statuses: tuple[int, int]
    difference: Difference
    about: str = "parity"


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
    def about(self) -> str:
        """What the finding to show is about: `parity` or `contract`."""
        return self.first.about

    @property
    def where(self) -> str:
        """The operation of the finding to show, and how many others there are."""
        others = len({finding.operation for finding in self.findings} - {self.first.operation})
        more = f" and {others} other operation{'s' * (others != 1)}" if others else ""
        return f"{self.first.operation}{more}"

    @property
    def title(self) -> str:
        """One line for people: operation, what kind of thing differs, its place, the first step."""
        old, new = self.first.statuses
        difference = self.first.difference
        if self.kind == "status":
            said = "no answer" if new == 0 else f"status {new}"
            what = f"{said} instead of {old or 'no answer'}"
        else:
            pair = f"{_short(difference.actual)} instead of {_short(difference.expected)}"
            what = f"{_WORDS.get(self.kind, self.kind)} at {difference.at}: {pair}"
        about = "" if self.about == "parity" else f"{self.about}: "
        return f"{about}{self.where}: {what} (step {self.first.step})"


# What differs, for people.
_WORDS = {
    "value": "another value",
    "type": "another JSON type",
    "missing": "a key is missing",
    "extra": "one key more",
    "key order": "another order of keys",
    "order": "another order of items",
    "length": "another number of items",
    "number form": "another form of a number",
    "time": "a wrong time",
    "body kind": "another kind of body",
    "text": "another text",
    "layout": "another layout",
    "side effect": "other calls",
}


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


_LONGEST = 60  # characters of a value in a title

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
