"""Which pieces of a caller's sound stand out from the room's own noise.

Voice activity is judged in windows of 32 ms, and is certain a window or two late. Where those are worth
waiting for less than they cost, the level alone tells sooner that there is a sound, or since when there is
none; whether it is a voice it does not tell.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from livekit import rtc

# Root mean square of 16-bit samples below which nothing is heard, -46 dBFS.
AUDIBLE: Final = 160.0
# What stands out is this many times as loud as the noise, 10 dB.
STANDS_OUT: Final = 3.2
# Noise that is quieter, digital silence for instance, says nothing of what is to come.
QUIETEST: Final = AUDIBLE / STANDS_OUT
# By so much a second the noise is taken to be louder than the quietest that was heard.
FORGETS: Final = 2.0


class NoiseFloor:
    """Of one stream of mono frames of 16-bit samples."""

    def __init__(self) -> None:
        self._noise = QUIETEST

    def stands_out(self, frame: rtc.AudioFrame) -> bool:
        """Whether this frame, the next of the stream, is louder than the noise before it."""
        samples = np.frombuffer(frame.data, np.int16).astype(np.float32)
        level = math.sqrt(float(np.dot(samples, samples)) / max(1, len(samples)))
        # The noise is what is always there: the quietest of late. A voice pauses.
        grown = self._noise * FORGETS ** (len(samples) / frame.sample_rate)
        self._noise = max(QUIETEST, min(level, grown))
        return bool(level > max(AUDIBLE, STANDS_OUT * grown))
