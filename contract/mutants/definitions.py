"""Reads a file of mutants: each as data, checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from contract.errors import BrokenInput
from contract.values.answer_changes import ANSWER_CHANGES
from contract.values.expressions import Expression

CLASSES: Final = frozenset(
    {"status", "body", "type", "order", "missing", "extra", "header", "state"}
    | {"concurrency", "persistence", "time", "auth", "words", "side-effect"}
)
# Changes of requests and of the service (contract.mutants.mutating_target); ANSWER_CHANGES are those
# of an answer.
LIVE_CHANGES: Final = frozenset({"instead", "key", "twice", "stale", "restart", "same-id"})
# The answers to which a mutant without `when` happens.
ANY_JSON: Final = "new.status == 200 and new.kind == 'json'"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One seeded divergence of one operation.

    `kind` is one of CLASSES. `when` selects the answers of the new service to which `change` happens.
    """

    id: str
    kind: str
    operation: str
    when: Expression
    change: Mapping[str, Any]

    @property
    def needs_restart(self) -> bool:
        """Whether it shows only after a restart of the service."""
        return "restart" in self.change or "world.restarts" in self.when.text

    @property
    def needs_watching(self) -> bool:
        """Whether it shows only in the calls to the peer."""
        return self.kind == "side-effect"

    @property
    def live(self) -> bool:
        """Whether it needs its own replay, because it changes requests or the service."""
        return bool(self.change.keys() & LIVE_CHANGES)


def load(path: Path) -> tuple[Mutant, ...]:
    """All mutants. Raises BrokenInput that names the mutant."""
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
        groups = document["mutants"].items()
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise BrokenInput(f"{path} is not a file of mutants: {error!r}") from error
    found = tuple(mutant for operation, raws in groups for mutant in _of_operation(raws, operation))
    names = [mutant.id for mutant in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BrokenInput(f"{path}: ids that appear twice: {', '.join(twice)}")
    return found


def _of_operation(raws: Any, operation: str) -> list[Mutant]:
    if not isinstance(raws, list):
        raise BrokenInput(f"the mutants of {operation} are no list: {raws}")
    return [_mutant(raw, operation) for raw in raws]


def _mutant(raw: Any, operation: str) -> Mutant:
    if not isinstance(raw, dict):
        raise BrokenInput(f"a mutant of {operation} is no mapping: {raw}")
    where = f"mutant {raw.get('id', '?')} of {operation}"
    try:
        name, kind, change = raw["id"], raw["class"], raw["change"]
    except KeyError as error:
        raise BrokenInput(f"{where} lacks {error}") from error
    if kind not in CLASSES:
        raise BrokenInput(f"{where}: unknown class {kind}")
    if not isinstance(change, dict):
        raise BrokenInput(f"{where}: `change` is no mapping")
    unknown = change.keys() - ANSWER_CHANGES - LIVE_CHANGES
    if unknown or not change:
        raise BrokenInput(f"{where}: unknown change {', '.join(sorted(unknown)) or '(none)'}")
    when = Expression.of(str(raw.get("when", ANY_JSON)), f"{where}: `when`")
    return Mutant(name, kind, operation, when, change)
