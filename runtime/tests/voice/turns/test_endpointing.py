"""How long the agent waits for the end of a turn when the turn detector is not sure."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import inference
from livekit.agents.voice.turn import (
    TurnDetectionEvent,
    _StreamingTurnDetector,
    _StreamingTurnDetectorStream,
)

from agent_runtime.voice.turns.endpointing import (
    PREDICTS_AFTER,
    GradedTurnDetector,
    GradedTurnStream,
)
from agent_runtime.voice.turns.floor import Floor
from fixtures.speech import clip

RATE = 16_000
STEPS = ((1.5, 0.0), (1.0, 0.6), (0.5, 0.9))
THRESHOLD = 0.4


class Detector:
    """Predicts the probability that the test sets, as the stream of a detector."""

    prediction_timeout = 1.0

    def __init__(self, probability: float) -> None:
        self.probability = probability
        self.cancelled = 0

    def predict(self) -> asyncio.Future[TurnDetectionEvent]:
        """Answer at once."""
        found = asyncio.get_running_loop().create_future()
        found.set_result(
            TurnDetectionEvent(
                type="eot_prediction",
                last_speaking_time=1.0,
                end_of_turn_probability=self.probability,
            )
        )
        return found

    def cancel_inference(self, *, timed_out: bool = False) -> None:
        """The caller speaks again."""
        self.cancelled += 1 + timed_out * 0

    def push_audio(self, frame: rtc.AudioFrame) -> None:
        """Ignore the frame."""

    async def unlikely_threshold(self, _language: object) -> float:
        """The same for every language."""
        return THRESHOLD


def graded(probability: float, last_sound_at: float | None = None) -> GradedTurnStream:
    """A stream over such a detector, for a caller whose last sound was then."""
    floor = Floor()
    floor.last_sound_at = last_sound_at
    return GradedTurnStream(cast("Any", Detector(probability)), STEPS, floor)


@pytest.mark.parametrize(
    ("probability", "wait", "reported"),
    [(0.7, 0.0, 0.7), (0.45, 0.6, 0.45), (0.3, 0.9, THRESHOLD), (0.1, 0.0, 0.1)],
)
async def test_the_less_sure_the_longer_the_wait(
    probability: float, wait: float, reported: float
) -> None:
    """Each step has its wait; a probability below the last step is reported at once, since it is no end."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    event = await graded(probability).predict()
    assert event.end_of_turn_probability == reported
    assert loop.time() - began >= max(0.0, wait - PREDICTS_AFTER)


@pytest.mark.parametrize(("silence", "waited"), [(0.3, 0.3), (0.9, 0.23)])
async def test_the_silence_is_counted_from_the_last_sound(silence: float, waited: float) -> None:
    """The last sound counts up to 0.15 s before the VAD's end of speech, 0.22 s before the prediction."""
    asked_at = asyncio.get_running_loop().time()
    await graded(0.45, asked_at - silence).predict()
    assert waited - 0.02 <= asyncio.get_running_loop().time() - asked_at < 0.6 - PREDICTS_AFTER


async def test_a_caller_who_goes_on_is_not_answered() -> None:
    """A cancelled prediction resolves with probability 0, as the detector's own does."""
    stream = graded(0.45)
    answer = stream.predict()
    stream.cancel_inference()
    assert (await answer).end_of_turn_probability == 0.0


async def test_the_prediction_timeout_includes_the_longest_wait() -> None:
    """The framework waits for a prediction as long as the detector and the last step take together."""
    assert graded(0.5).prediction_timeout == 1.9


async def test_the_framework_takes_it_for_a_streaming_detector() -> None:
    """Detector and stream satisfy the framework's protocols, and predict the end of real speech."""
    detector = GradedTurnDetector(inference.TurnDetector(version="v1-mini"), STEPS, Floor())
    assert isinstance(detector, _StreamingTurnDetector)
    stream = detector.stream()
    assert isinstance(stream, _StreamingTurnDetectorStream)
    assert await stream.supports_language(None)
    quiet = np.zeros(RATE // 5, np.int16)
    samples = np.concatenate([quiet, clip("goodbye").samples, quiet])
    for start in range(0, len(samples) - 160, 160):
        stream.push_audio(rtc.AudioFrame(samples[start : start + 160].tobytes(), RATE, 1, 160))
        await asyncio.sleep(0)  # the detector takes frames one by one, as they come in a call
    async with asyncio.timeout(5):
        event = await stream.predict()
    assert event.end_of_turn_probability > THRESHOLD
    await stream.aclose()
