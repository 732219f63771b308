"""Which frames of a caller's sound stand out from the noise of the caller's surroundings.

A VAD judges windows of 32 ms, and is certain a window or two late. Where waiting for those costs more than
it is worth, the level alone shows sooner that there is a sound, or since when there is none. It does not
show whether the sound is a voice.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from livekit import rtc

# Root mean square of 16-bit samples below which nothing is audible, -46 dBFS.
AUDIBLE: Final = 160.0
# A sound stands out when it is this many times as loud as the noise, 10 dB.
STANDS_OUT: Final = 3.2
# Noise below this level, digital silence for instance, says nothing about the noise that follows.
QUIETEST: Final = AUDIBLE / STANDS_OUT
# Factor a second by which the estimate of the noise grows above the quietest frame of late.
FORGETS: Final = 2.0


class NoiseFloor:
    """The noise of one stream of mono frames of 16-bit samples."""

    def __init__(self) -> None:
        self._noise = QUIETEST

    def stands_out(self, frame: rtc.AudioFrame) -> bool:
        """Whether this frame, the next of the stream, is louder than the noise before it."""
        samples = np.frombuffer(frame.data, np.int16).astype(np.float32)
        level = math.sqrt(float(np.dot(samples, samples)) / max(1, len(samples)))
        # Noise is what is always there: the quietest level of late, since a voice pauses.
        grown = self._noise * FORGETS ** (len(samples) / frame.sample_rate)
        self._noise = max(QUIETEST, min(level, grown))
        return bool(level > max(AUDIBLE, STANDS_OUT * grown))
