"""How long the agent waits when the turn detector is not sure.

The framework knows two answers: an end above the detector's threshold, taken at once, or none, for which it
waits `max_delay`. The detector is not that sharp: callers' pauses in the middle of a sentence come out just
above the threshold, and ends of sentences just below. The nearer to it, the longer is waited here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from livekit import rtc
from livekit.agents import APIConnectOptions, LanguageCode, inference
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from livekit.agents.voice.turn import (
    TurnDetectionEvent,
    _StreamingTurnDetectorStream,
)

# Seconds of silence at which the framework asks the detector.
ASKED_AFTER: Final = 0.22
# By so much voice activity may take the end of a voice for later than its last sound was.
LATE: Final = 0.15

# Probability, as a multiple of the detector's threshold, and the seconds of silence after which it is an
# end; the highest first. Below the last it is none, and the framework waits its `max_delay`.
Steps = Sequence[tuple[float, float]]
# When the caller's last sound stood out from the noise, by the loop's clock; None when none did.
SoundedAt = Callable[[], float | None]


class GradedTurnDetector:
    """The framework's streaming turn detector, for one call."""

    def __init__(self, inner: inference.TurnDetector, steps: Steps, sounded_at: SoundedAt) -> None:
        self._inner = inner
        self._steps = steps
        self._sounded_at = sounded_at

    @property
    def inner(self) -> inference.TurnDetector:
        """What judges the sound."""
        return self._inner

    @property
    def model(self) -> str:
        """The model's name."""
        return self._inner.model

    @property
    def provider(self) -> str:
        """Who made it."""
        return self._inner.provider

    def stream(
        self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> GradedTurnStream:
        """The caller's sound goes in here."""
        inner = self._inner.stream(conn_options=conn_options)
        return GradedTurnStream(inner, self._steps, self._sounded_at)


class GradedTurnStream:
    """Passes everything on; only predictions take their time."""

    def __init__(
        self, inner: _StreamingTurnDetectorStream, steps: Steps, sounded_at: SoundedAt
    ) -> None:
        self._inner = inner
        self._steps = steps
        self._sounded_at = sounded_at
        self._language: LanguageCode | None = None
        self._waiting: asyncio.Task[None] | None = None
        self._answer: asyncio.Future[TurnDetectionEvent] | None = None

    @property
    def model(self) -> str:
        """The model's name."""
        return self._inner.model

    @property
    def provider(self) -> str:
        """Who made it."""
        return self._inner.provider

    @property
    def is_fallback(self) -> bool:
        """Whether the local model stands in for the cloud's."""
        return self._inner.is_fallback

    @property
    def prediction_timeout(self) -> float:
        """Seconds that the framework waits for a prediction: the detector's own and our patience."""
        return self._inner.prediction_timeout + max((wait for _, wait in self._steps), default=0.0)

    async def unlikely_threshold(self, language: LanguageCode | None) -> float | None:
        """The probability below which it is no end."""
        return await self._inner.unlikely_threshold(language)

    async def backchannel_threshold(self, language: LanguageCode | None) -> float | None:
        """The same for a murmur of the agent."""
        return await self._inner.backchannel_threshold(language)

    async def supports_language(self, language: LanguageCode | None) -> bool:
        """Whether there is a threshold for it."""
        self._language = language
        return await self._inner.supports_language(language)

    def predict(self) -> asyncio.Future[TurnDetectionEvent]:
        """Ask; the answer comes when there has been enough silence for it."""
        self._forget()
        self._answer = asyncio.get_running_loop().create_future()
        self._waiting = asyncio.create_task(self._wait(self._inner.predict(), self._answer))
        return self._answer

    def cancel_inference(self, *, timed_out: bool = False) -> None:
        """The caller speaks again, or the turn is over: the prediction is void."""
        self._forget()
        self._inner.cancel_inference(timed_out=timed_out)

    def flush(self, reason: str | None = None) -> None:
        """What comes next is another turn."""
        self._forget()
        self._inner.flush(reason)

    def push_audio(self, frame: rtc.AudioFrame) -> None:
        """More of the caller's sound."""
        self._inner.push_audio(frame)

    def end_input(self) -> None:
        """No more of it."""
        self._inner.end_input()

    async def aclose(self) -> None:
        """Stop."""
        self._forget()
        await self._inner.aclose()

    def _forget(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        if self._answer is not None and not self._answer.done():
            # As the detector itself answers what it is no longer asked for.
            none = TurnDetectionEvent(
                type="eot_prediction", end_of_turn_probability=0.0, last_speaking_time=time.time()
            )
            self._answer.set_result(none)
        self._answer = None

    async def _wait(
        self,
        asked: asyncio.Future[TurnDetectionEvent],
        answer: asyncio.Future[TurnDetectionEvent],
    ) -> None:
        loop = asyncio.get_running_loop()
        silent_since = loop.time() - ASKED_AFTER
        sounded_at = self._sounded_at()
        if sounded_at is not None:
            # A word that was spoken too low to stand out was a voice all the same.
            silent_since = min(silent_since, max(sounded_at, silent_since - LATE))
        event = await asked
        threshold = await self._inner.unlikely_threshold(self._language)
        if threshold is not None:
            wait = _patience(event.end_of_turn_probability / threshold, self._steps)
            if wait is not None:
                await asyncio.sleep(max(0.0, silent_since + wait - loop.time()))
                sure = max(event.end_of_turn_probability, threshold)
                event = replace(event, end_of_turn_probability=sure)
        if not answer.done():
            answer.set_result(event)


def _patience(likelihood: float, steps: Steps) -> float | None:
    """Seconds of silence after which it is an end; None for none."""
    return next((wait for least, wait in steps if likelihood >= least), None)
