"""The recorded requests: one sequence, replayed in order to each target from fresh state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from contract.http.messages import Answer, Request


@dataclass(frozen=True, slots=True)
class Step:
    """One request of the sequence.

    `source` names its origin (`generated`, `scenario/capacity/fill`, `mutator/...`). Consecutive steps
    with the same `together` are sent at the same time. `before` is a change of the service that comes
    first (`restart`).
    """

    index: int
    source: str
    request: Request
    recorded: Answer
    together: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Corpus:
    """All steps, and the hash under which they are frozen."""

    steps: tuple[Step, ...]
    hash: str

    def only(self, indexes: Iterable[int]) -> Corpus:
        """The steps with these indexes, in order; they keep their indexes."""
        wanted = set(indexes)
        return replace(self, steps=tuple(s for s in self.steps if s.index in wanted))
