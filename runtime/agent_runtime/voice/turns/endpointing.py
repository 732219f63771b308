"""How long the agent waits for the end of a turn when the turn detector is not sure.

The framework knows two answers: an end above the detector's threshold, which it takes at once, or none, for
which it waits `max_delay`. The detector is not that sharp: callers' pauses in the middle of a sentence come
out just above the threshold, and ends of sentences just below. Here the wait is the longer, the lower the
probability is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from livekit import rtc
from livekit.agents import APIConnectOptions, LanguageCode, inference
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from livekit.agents.voice.turn import (
    TurnDetectionEvent,
    _StreamingTurnDetectorStream,
)

from agent_runtime.voice.turns.floor import Floor

# Seconds of silence after which the framework asks the detector for a prediction.
PREDICTS_AFTER: Final = 0.22
# Seconds by which the VAD may report the end of speech after the last audible sound, at most.
VAD_LAG: Final = 0.15

# Pairs of a probability, as a multiple of the detector's threshold, and the seconds of silence after which
# it counts as an end; the highest first. Below the last one it is no end, and the framework waits its
# `max_delay`.
Steps = Sequence[tuple[float, float]]


class GradedTurnDetector:
    """The framework's streaming turn detector for one call, with a wait that depends on the probability."""

    def __init__(self, inner: inference.TurnDetector, steps: Steps, floor: Floor) -> None:
        self._inner = inner
        self._steps = steps
        self._floor = floor

    @property
    def inner(self) -> inference.TurnDetector:
        """The detector whose model judges the sound."""
        return self._inner

    @property
    def model(self) -> str:
        """The model's name."""
        return self._inner.model

    @property
    def provider(self) -> str:
        """The model's provider."""
        return self._inner.provider

    def stream(
        self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> GradedTurnStream:
        """Open a stream for the caller's sound."""
        inner = self._inner.stream(conn_options=conn_options)
        return GradedTurnStream(inner, self._steps, self._floor)


class GradedTurnStream:
    """A stream of the inner detector: passes everything on, and delays predictions only."""

    def __init__(self, inner: _StreamingTurnDetectorStream, steps: Steps, floor: Floor) -> None:
        self._inner = inner
        self._steps = steps
        self._floor = floor
        self._language: LanguageCode | None = None
        self._waiting: asyncio.Task[None] | None = None
        self._answer: asyncio.Future[TurnDetectionEvent] | None = None

    @property
    def model(self) -> str:
        """The model's name."""
        return self._inner.model

    @property
    def provider(self) -> str:
        """The model's provider."""
        return self._inner.provider

    @property
    def is_fallback(self) -> bool:
        """Whether the local model stands in for the cloud's."""
        return self._inner.is_fallback

    @property
    def prediction_timeout(self) -> float:
        """Seconds that the framework waits for a prediction: the detector's own, and our longest wait."""
        return self._inner.prediction_timeout + max((wait for _, wait in self._steps), default=0.0)

    async def unlikely_threshold(self, language: LanguageCode | None) -> float | None:
        """The probability below which there is no end of turn; None where `language` has none."""
        return await self._inner.unlikely_threshold(language)

    async def backchannel_threshold(self, language: LanguageCode | None) -> float | None:
        """The probability below which there is no room for a backchannel of the agent."""
        return await self._inner.backchannel_threshold(language)

    async def supports_language(self, language: LanguageCode | None) -> bool:
        """Whether the detector has a threshold for `language`, which predictions use from now on."""
        self._language = language
        return await self._inner.supports_language(language)

    def predict(self) -> asyncio.Future[TurnDetectionEvent]:
        """Request a prediction; it resolves once there has been enough silence for its probability."""
        self._drop_prediction()
        self._answer = asyncio.get_running_loop().create_future()
        self._waiting = asyncio.create_task(self._wait(self._inner.predict(), self._answer))
        return self._answer

    def cancel_inference(self, *, timed_out: bool = False) -> None:
        """Void the prediction, because the caller speaks again or the turn is over."""
        self._drop_prediction()
        self._inner.cancel_inference(timed_out=timed_out)

    def flush(self, reason: str | None = None) -> None:
        """End the turn; the next frames belong to another one."""
        self._drop_prediction()
        self._inner.flush(reason)

    def push_audio(self, frame: rtc.AudioFrame) -> None:
        """Take the next frame of the caller's sound."""
        self._inner.push_audio(frame)

    def end_input(self) -> None:
        """Take no further frames."""
        self._inner.end_input()

    async def aclose(self) -> None:
        """Close the stream and the inner one."""
        self._drop_prediction()
        await self._inner.aclose()

    def _drop_prediction(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        if self._answer is not None and not self._answer.done():
            # The detector itself answers a prediction that was cancelled like this.
            none = TurnDetectionEvent(
                type="eot_prediction", end_of_turn_probability=0.0, last_speaking_time=time.time()
            )
            self._answer.set_result(none)
        self._answer = None

    async def _wait(
        self,
        prediction: asyncio.Future[TurnDetectionEvent],
        answer: asyncio.Future[TurnDetectionEvent],
    ) -> None:
        loop = asyncio.get_running_loop()
        silent_since = loop.time() - PREDICTS_AFTER
        last_sound_at = self._floor.last_sound_at
        if last_sound_at is not None:
            # A word that was spoken too low to stand out was a voice all the same.
            silent_since = min(silent_since, max(last_sound_at, silent_since - VAD_LAG))
        event = await prediction
        threshold = await self._inner.unlikely_threshold(self._language)
        if threshold is not None:
            wait = _endpointing_delay(event.end_of_turn_probability / threshold, self._steps)
            if wait is not None:
                await asyncio.sleep(max(0.0, silent_since + wait - loop.time()))
                sure = max(event.end_of_turn_probability, threshold)
                event = replace(event, end_of_turn_probability=sure)
        if not answer.done():
            answer.set_result(event)


def _endpointing_delay(likelihood: float, steps: Steps) -> float | None:
    """Seconds of silence after which a turn of this likelihood is over; None when it is not."""
    return next((wait for least, wait in steps if likelihood >= least), None)
