"""Measures recognition in noise: `python -m runtime.tests.voice.pipeline.noisy_speech` prints a table.

For each noise and each ratio of speech to noise: how many of the callers' clips pocketsphinx recognises as
they are, and after WebRTC's noise suppression.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
from livekit import rtc
from numpy.typing import NDArray

from agent_runtime.voice.pipeline.noise import WebRtcNoiseSuppression
from fixtures.speech import Recogniser
from fixtures.speech.sentences import CLIPS, PAUSED, SENTENCES, VOICES
from fixtures.speech.sound import Samples, Sound

RATE: Final = 16_000
LEAD: Final = 2  # seconds of noise before the speech, in which the suppression learns it
BEFORE: Final = RATE // 5  # samples of it that the recognition gets
FRAME: Final = RATE // 50
VOICED: Final = 200  # level of samples that are speech
RATIOS: Final = (15, 10, 5, 0, -5)  # dB

Wave = NDArray[np.float64]
Noise = Callable[[int, np.random.Generator], Wave]


def white(length: int, made: np.random.Generator) -> Wave:
    """All frequencies alike, as of a bad line."""
    return made.standard_normal(length)


def fan(length: int, made: np.random.Generator) -> Wave:
    """Less of the higher ones, as of a fan or a street."""
    spectrum = np.fft.rfft(made.standard_normal(length))
    return np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), length)


def hum(length: int, made: np.random.Generator) -> Wave:
    """The mains, with its harmonics."""
    time = np.arange(length) / RATE
    tones = [np.sin(2 * np.pi * 50 * number * time) / number for number in range(1, 12)]
    return np.sum(tones, axis=0) + 0.1 * made.standard_normal(length)


def voices(length: int, made: np.random.Generator) -> Wave:
    """Four people who talk beside the caller."""
    spoken = np.concatenate([sound.samples for _, sound in clips()]).astype(np.float64)
    starts = made.integers(0, len(spoken), 4)
    return np.sum([np.resize(np.roll(spoken, -start), length) for start in starts], axis=0)


NOISES: Final[dict[str, Noise]] = {"white": white, "fan": fan, "hum": hum, "voices": voices}


def clips() -> list[tuple[str, Sound]]:
    """Each sentence of the callers, and its clip; several voices speak most."""
    paused = [(name, f"paused/{name}-{voice}") for name in PAUSED for voice in VOICES]
    return [
        (SENTENCES[name], Sound.read(CLIPS / f"{path}.wav").at(RATE))
        for name, path in [*((name, name) for name in SENTENCES), *paused]
    ]


def noisy(sound: Sound, noise: Noise, ratio: float, made: np.random.Generator) -> Samples:
    """The clip after `LEAD` seconds, in noise that is `ratio` dB below its speech."""
    speech = sound.samples.astype(np.float64)
    padded = np.concatenate([np.zeros(LEAD * RATE), speech, np.zeros(RATE // 2)])
    added = noise(len(padded), made)
    power = np.mean(speech[np.abs(speech) > VOICED] ** 2)
    added *= np.sqrt(power / 10 ** (ratio / 10) / np.mean(added**2))
    return np.clip(padded + added, -32_768, 32_767).astype(np.int16)


def suppressed(samples: Samples) -> Samples:
    """The sound after the suppression, frame by frame as in a call."""
    suppression = WebRtcNoiseSuppression()
    frames = (samples[start : start + FRAME] for start in range(0, len(samples) - FRAME, FRAME))
    return np.concatenate(
        [
            np.frombuffer(
                suppression._process(rtc.AudioFrame(part.tobytes(), RATE, 1, FRAME)).data, np.int16
            )
            for part in frames
        ]
    )


def recognised(noise: Noise, ratio: float, spoken: Iterable[tuple[str, Sound]]) -> tuple[int, int]:
    """How many of the clips are recognised without the suppression, and with it."""
    recogniser, made = Recogniser(SENTENCES.values()), np.random.default_rng(1)
    without = with_it = 0
    for sentence, sound in spoken:
        heard = noisy(sound, noise, ratio, made)
        without += recogniser.recognise(_speech(heard)) == sentence
        with_it += recogniser.recognise(_speech(suppressed(heard))) == sentence
    return without, with_it


def _speech(samples: Samples) -> Sound:
    return Sound(samples[LEAD * RATE - BEFORE :], RATE)


def main() -> None:
    """Print the table."""
    spoken = clips()
    print(f"Recognised of {len(spoken)}, without and with the suppression:")
    for name, noise in NOISES.items():
        found = [recognised(noise, ratio, spoken) for ratio in RATIOS]
        print(name, *(f"{one} {other}" for one, other in found), sep=" | ")


if __name__ == "__main__":
    main()
