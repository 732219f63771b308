"""Gaps in the agent's sound: pauses that the sentence, spoken undisturbed, does not have."""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np

from fixtures.speech import Sound

STEP: Final = 0.01  # seconds of one level
SHORTEST: Final = 0.04  # seconds; shorter ones are not heard
# Of the loudest step. A dropout is far below the quietest speech; a pause of the sentence itself is judged
# generously, because the codec blurs where it begins and ends.
QUIET: Final = 0.01
QUIET_ITSELF: Final = 0.03
NEAR: Final = 0.06  # seconds that a pause may have moved by codec and clock

Pause = tuple[float, float]  # seconds from the first audible step: begin, end


def pauses(sound: Sound, quiet: float = QUIET) -> list[Pause]:
    """Quiet parts of at least 40 ms between the first and the last audible step."""
    size = int(sound.rate * STEP)
    whole = len(sound.samples) // size * size
    steps = sound.samples[:whole].reshape(-1, size).astype(np.float64)
    levels = np.sqrt((steps**2).mean(axis=1))
    loud = np.flatnonzero(levels > quiet * levels.max(initial=0.0))
    found = []
    for before, after in itertools.pairwise(loud):
        if (after - before - 1) * STEP >= SHORTEST:
            found.append((float(before + 1 - loud[0]) * STEP, float(after - loud[0]) * STEP))
    return found


def gaps(heard: Sound, undisturbed: Sound) -> list[float]:
    """Seconds of each gap longer than 40 ms in `heard`; `undisturbed` is the same sentence without one."""
    own = pauses(undisturbed, QUIET_ITSELF)
    there = pauses(heard)
    shift = 0.0  # what the gaps so far have delayed
    found = []
    for (begin, end), later in zip(there, [*there[1:], None], strict=False):
        extra = end - begin - _usual(begin - shift, end - begin, later, own, shift)
        if extra > SHORTEST + STEP / 2:  # measured in whole steps
            found.append(extra)
            shift += extra
    return found


def _usual(
    begin: float, seconds: float, later: Pause | None, own: list[Pause], shift: float
) -> float:
    """How long the sentence itself pauses there."""
    like = [pause for pause in own if pause[0] - NEAR <= begin <= pause[1] + NEAR]
    if not like:
        return 0.0
    closest = min(like, key=lambda pause: abs(pause[0] - begin))
    if later is not None:
        # A gap just before a pause of the sentence: the pause itself is still to come.
        moved = later[0] - shift - seconds
        if abs(closest[0] - moved) < abs(closest[0] - begin):
            return 0.0
    return closest[1] - closest[0]
