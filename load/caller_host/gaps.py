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
QUIET_ITSELF: Final = 0.05
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
    shift = 0.0  # what the gaps so far have delayed
    found = []
    for begin, end in pauses(heard):
        like = [p for p in own if p[0] - NEAR <= begin - shift <= p[1] + NEAR]
        usual = max((stop - start for start, stop in like), default=0.0)
        extra = end - begin - usual
        if extra > SHORTEST - STEP / 2:
            found.append(extra)
            shift += extra
    return found
