"""Places where the old service answers differently from itself; learnt, listed, and only there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from contract.api.specification import Match, Specification
from contract.http.messages import Answer
from contract.judge.compare import Difference, differences, expected_from
from contract.replay.replay import Replay
from contract.values.typed_values import Window


@dataclass(frozen=True, slots=True)
class Noise:
    """Noisy places (`at` of a difference) by step."""

    places: Mapping[int, frozenset[str]] = field(default_factory=dict)

    def hides(self, step: int, difference: Difference) -> bool:
        """Whether the old service differs from itself in this very place of this step."""
        return difference.at in self.places.get(step, frozenset())

    def listed(self) -> list[str]:
        """One line for each noisy place."""
        return [f"step {step}: {at}" for step, at in sorted(self._pairs())]

    def _pairs(self) -> list[tuple[int, str]]:
        return [(step, at) for step, places in self.places.items() for at in places]


def learn(old: Replay, again: Replay, matches: Mapping[int, Match], spec: Specification) -> Noise:
    """What differs between two replays of the old service."""
    places = {}
    for step, first in old.answers.items():
        second = again.answers.get(step)
        if second is None:
            continue
        found = self_differences(first, second, matches[step].name, spec)
        if found:
            places[step] = frozenset(difference.at for difference in found)
    return Noise(places)


def self_differences(
    first: Answer, second: Answer, operation: str, spec: Specification
) -> list[Difference]:
    """How one service differs from itself, typed places aside."""
    typed = spec.typed_places.get((operation, first.status))
    return differences(expected_from(first, typed, Window(second.sent, second.received)), second)
