"""Which sounds stand out."""

from __future__ import annotations

import numpy as np
import pytest
from livekit import rtc

from agent_runtime.voice.turns.noise_floor import NoiseFloor
from fixtures.speech import clip

RATE = 16_000
FRAME = RATE // 100
NOISE = np.random.default_rng(7)


def heard(loudness: NoiseFloor, samples: np.ndarray) -> list[bool]:
    """What is said of each frame of 10 ms."""
    return [
        loudness.stands_out(
            rtc.AudioFrame(samples[start : start + FRAME].tobytes(), RATE, 1, FRAME)
        )
        for start in range(0, len(samples) - FRAME + 1, FRAME)
    ]


def noise(seconds: float, level: float) -> np.ndarray:
    """White noise of that root mean square."""
    return NOISE.normal(0, level, int(seconds * RATE)).astype(np.int16)


@pytest.mark.parametrize("name", ["weather", "opening", "paused/story-awb", "paused/stop-kal16"])
def test_speech_stands_out_of_silence_at_once(name: str) -> None:
    """Within its first 30 ms, and not before."""
    loudness = NoiseFloor()
    assert not any(heard(loudness, np.zeros(RATE, np.int16)))
    assert any(heard(loudness, clip(name).samples[: 3 * FRAME]))


@pytest.mark.parametrize("level", [30, 300, 1500])
def test_steady_noise_does_not_for_long(level: int) -> None:
    """However loud it is, also when it begins after digital silence."""
    loudness = NoiseFloor()
    heard(loudness, np.zeros(RATE, np.int16))
    heard(loudness, noise(4, level))
    assert not any(heard(loudness, noise(2, level)))


def test_speech_stands_out_of_noise_and_the_noise_after_it_does_not() -> None:
    """A sentence does not hide the noise that it was spoken in."""
    loudness = NoiseFloor()
    heard(loudness, noise(2, 200))
    speech = clip("weather").samples
    found = heard(loudness, speech + noise(len(speech) / RATE, 200)[: len(speech)])
    assert sum(found) > len(found) / 2
    assert not any(heard(loudness, noise(1, 200)))
