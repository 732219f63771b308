"""The targets of one run, together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

from contract.targets.target import Target

RESTART: Final = "restart"


@dataclass
class Coverage:
    """How much of `source` the requests reached; `percent` is known once the services stopped.

    `percent` counts lines and branches; it stays None when nothing was measured.
    """

    source: str
    percent: float | None = None


@dataclass(frozen=True, slots=True)
class Testbed:
    """The targets of a run.

    `again` is a second instance of the old service, or None. `faults` maps each fault that openapi.yaml
    names to its repair. `watching` is the name of a condition: the calls of the new services to their
    peer are seen.
    """

    __test__: ClassVar[bool] = False  # pytest must not take it for a test

    old: Target
    again: Target | None
    news: tuple[Target, ...]
    faults: Mapping[str, str] = field(default_factory=dict)
    watching: str = "watch-peer"
    coverage: Coverage | None = None

    @property
    def cannot(self) -> frozenset[str]:
        """The changes that some target cannot make."""
        changes = {
            change
            for change in (RESTART, *self.faults.keys(), *self.faults.values())
            if not all(target.can(change) for target in (self.old, *self.news))
        }
        return frozenset(changes if self.watched else changes | {self.watching})

    @property
    def watched(self) -> bool:
        """Whether the calls of all new services to their peer are seen."""
        return all(target.watched for target in self.news)

    @property
    def possible_faults(self) -> frozenset[str]:
        """The faults that every target can bring about."""
        return frozenset(self.faults) - self.cannot

    @property
    def can_reset(self) -> bool:
        """Whether every target can return to a fresh state."""
        return all(target.can("reset") for target in (self.old, *self.news))
