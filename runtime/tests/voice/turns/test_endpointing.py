"""How long the agent waits when the turn detector is not sure."""

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
    ASKED_AFTER,
    GradedTurnDetector,
    GradedTurnStream,
    SoundedAt,
)
from fixtures.speech import clip

RATE = 16_000
STEPS = ((1.5, 0.0), (1.0, 0.6), (0.5, 0.9))
THRESHOLD = 0.4


class Detector:
    """Says a probability, as its stream would."""

    prediction_timeout = 1.0

    def __init__(self, probability: float) -> None:
        self.probability = probability
        self.cancelled = 0

    def predict(self) -> asyncio.Future[TurnDetectionEvent]:
        """At once."""
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
        """Whatever it is."""

    async def unlikely_threshold(self, _language: object) -> float:
        """The same for every language."""
        return THRESHOLD


def patient(probability: float, sounded_at: SoundedAt = lambda: None) -> GradedTurnStream:
    """A stream over such a detector."""
    return GradedTurnStream(cast("Any", Detector(probability)), STEPS, sounded_at)


@pytest.mark.parametrize(
    ("probability", "wait", "reported"),
    [(0.7, 0.0, 0.7), (0.45, 0.6, 0.45), (0.3, 0.9, THRESHOLD), (0.1, 0.0, 0.1)],
)
async def test_the_less_sure_the_longer_is_waited(
    probability: float, wait: float, reported: float
) -> None:
    """What is no end at all is said at once: then the framework waits, and not we."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    event = await patient(probability).predict()
    assert event.end_of_turn_probability == reported
    assert loop.time() - began >= max(0.0, wait - ASKED_AFTER)


@pytest.mark.parametrize(("sounded", "waited"), [(0.3, 0.3), (0.9, 0.23)])
async def test_the_silence_is_counted_from_the_last_sound(sounded: float, waited: float) -> None:
    """That is up to 0.15 s sooner than voice activity has it, and 0.22 s before it is asked."""
    asked_at = asyncio.get_running_loop().time()
    await patient(0.45, lambda: asked_at - sounded).predict()
    assert waited - 0.02 <= asyncio.get_running_loop().time() - asked_at < 0.6 - ASKED_AFTER


async def test_a_caller_who_goes_on_is_not_answered() -> None:
    """The prediction is void, as the detector's own would be."""
    stream = patient(0.45)
    answer = stream.predict()
    stream.cancel_inference()
    assert (await answer).end_of_turn_probability == 0.0


async def test_the_framework_waits_for_it() -> None:
    """Its patience with the detector holds ours."""
    assert patient(0.5).prediction_timeout == 1.9


async def test_it_is_what_the_framework_takes_for_a_streaming_detector() -> None:
    """By its protocols; and real speech goes through it."""
    detector = GradedTurnDetector(inference.TurnDetector(version="v1-mini"), STEPS, lambda: None)
    assert isinstance(detector, _StreamingTurnDetector)
    stream = detector.stream()
    assert isinstance(stream, _StreamingTurnDetectorStream)
    assert await stream.supports_language(None)
    quiet = np.zeros(RATE // 5, np.int16)
    samples = np.concatenate([quiet, clip("goodbye").samples, quiet])
    for start in range(0, len(samples) - 160, 160):
        stream.push_audio(rtc.AudioFrame(samples[start : start + 160].tobytes(), RATE, 1, 160))
        await asyncio.sleep(0)  # sound comes bit by bit, and the detector takes it bit by bit
    async with asyncio.timeout(5):
        event = await stream.predict()
    assert event.end_of_turn_probability > THRESHOLD
    await stream.aclose()
