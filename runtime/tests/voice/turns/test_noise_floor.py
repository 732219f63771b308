"""Which frames stand out from the noise."""

from __future__ import annotations

import numpy as np
import pytest
from livekit import rtc

from agent_runtime.voice.turns.noise_floor import NoiseFloor
from fixtures.speech import clip

RATE = 16_000
FRAME = RATE // 100
NOISE = np.random.default_rng(7)


def stand_out(noise_floor: NoiseFloor, samples: np.ndarray) -> list[bool]:
    """Whether each frame of 10 ms stands out."""
    return [
        noise_floor.stands_out(
            rtc.AudioFrame(samples[start : start + FRAME].tobytes(), RATE, 1, FRAME)
        )
        for start in range(0, len(samples) - FRAME + 1, FRAME)
    ]


def noise(seconds: float, level: float) -> np.ndarray:
    """White noise of that root mean square."""
    return NOISE.normal(0, level, int(seconds * RATE)).astype(np.int16)


@pytest.mark.parametrize("name", ["weather", "opening", "paused/story-awb", "paused/stop-kal16"])
def test_speech_stands_out_of_silence_at_once(name: str) -> None:
    """After silence, which never stands out, a frame of the first 30 ms of speech does."""
    noise_floor = NoiseFloor()
    assert not any(stand_out(noise_floor, np.zeros(RATE, np.int16)))
    assert any(stand_out(noise_floor, clip(name).samples[: 3 * FRAME]))


@pytest.mark.parametrize("level", [30, 300, 1500])
def test_steady_noise_does_not_stand_out_for_long(level: int) -> None:
    """Noise that has lasted for four seconds does not stand out, at any level, also after silence."""
    noise_floor = NoiseFloor()
    stand_out(noise_floor, np.zeros(RATE, np.int16))
    stand_out(noise_floor, noise(4, level))
    assert not any(stand_out(noise_floor, noise(2, level)))


def test_speech_stands_out_of_noise_and_the_noise_after_it_does_not() -> None:
    """Most frames of a sentence stand out of noise, and none of the noise after it does."""
    noise_floor = NoiseFloor()
    stand_out(noise_floor, noise(2, 200))
    speech = clip("weather").samples
    found = stand_out(noise_floor, speech + noise(len(speech) / RATE, 200)[: len(speech)])
    assert sum(found) > len(found) / 2
    assert not any(stand_out(noise_floor, noise(1, 200)))
