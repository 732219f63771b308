"""Noise: places where the old service answers differently from itself. It is hidden only there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from contract.judge.compare import Difference, differences, expected_from
from contract.replay.prepared import Prepared
from contract.replay.replay import Replay
from contract.values.typed_values import Window


@dataclass(frozen=True, slots=True)
class Noise:
    """Noisy places (`at` of a difference) by step."""

    places: Mapping[int, frozenset[str]] = field(default_factory=dict)

    def hides(self, step: int, difference: Difference) -> bool:
        """Whether the old service differs from itself in exactly this place of this step."""
        return difference.at in self.places.get(step, frozenset())

    def listed(self) -> list[str]:
        """One line for each noisy place."""
        return [f"step {step}: {at}" for step, at in sorted(self._pairs())]

    def _pairs(self) -> list[tuple[int, str]]:
        return [(step, at) for step, places in self.places.items() for at in places]


def learn_noise(old: Replay, again: Replay, prepared: Prepared) -> Noise:
    """The differences between two replays of the old service, typed places aside."""
    spec, peer = prepared.api.spec, prepared.api.profile.peer
    places = {}
    for step, first in old.answers.items():
        second = again.answers.get(step)
        if second is None:
            continue
        typed = spec.typed_places.get((prepared.matches[step].name, first.status))
        expected = expected_from(first, typed, Window(second.sent, second.received))
        found = differences(expected, second, peer)
        if found:
            places[step] = frozenset(difference.at for difference in found)
    return Noise(places)
