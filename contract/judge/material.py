"""What a comparison works with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from contract.judge.rules import Rule
from contract.replay.prepared import Prepared


@dataclass(frozen=True)
class Material(Prepared):
    """A prepared corpus and the rules; `watched`: the new services' calls to their peer are seen."""

    rules: tuple[Rule, ...] = ()
    watched: bool = False

    def ruled(self, rules: tuple[Rule, ...]) -> Self:
        """The same with other rules."""
        return replace(self, rules=rules)
