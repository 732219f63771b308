"""Clips that an agent plays when a provider failed: sentences that need no provider.

`clips/README.md` says how they were made, and names their licence. They are English. Agents of other
languages use them too, since an apology in another language is still better than silence.
"""

from __future__ import annotations

import wave
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from livekit import rtc

CLIPS: Final = Path(__file__).with_name("clips")
FRAME_MS: Final = 20


@dataclass(frozen=True, slots=True)
class Clip:
    """A sentence and its sound: 16-bit mono samples at `rate` Hz."""

    text: str
    pcm: bytes
    rate: int

    async def frames(self) -> AsyncIterator[rtc.AudioFrame]:
        """The sound in frames of 20 ms; silence fills the last one."""
        samples = self.rate * FRAME_MS // 1000
        for start in range(0, len(self.pcm), samples * 2):
            chunk = self.pcm[start : start + samples * 2].ljust(samples * 2, b"\0")
            yield rtc.AudioFrame(chunk, self.rate, 1, samples)


@cache
def repeat() -> Clip:
    """Apologises and asks the caller to repeat."""
    return _read("repeat", "I am sorry, something went wrong. Could you say that again please?")


@cache
def farewell() -> Clip:
    """Apologises and says goodbye, because the call ends."""
    return _read("farewell", "I am sorry, I cannot go on. Please call again later.")


def _read(name: str, text: str) -> Clip:
    with wave.open(str(CLIPS / f"{name}.wav")) as clip:
        return Clip(text, clip.readframes(clip.getnframes()), clip.getframerate())
