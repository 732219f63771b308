"""The agent's voice, through WebRTC's own source, heard at the track that would be published."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from livekit import rtc

from agent_runtime.voice.pipeline.audio_output import RATE, TrackAudioOutput

FRAME = RATE // 100  # WebRTC plays 10 ms at once
AT_ONCE = 0.1  # seconds: half of what is queued; what this loop may be late by


class Room:
    """Publishes to itself: what a subscriber would get, without the way there."""

    def __init__(self) -> None:
        self.samples: list[int] = []
        self._more = asyncio.Event()
        self.subscribed = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    async def publish_track(self, track: rtc.LocalAudioTrack, _: Any) -> Any:
        """As a participant does."""
        stream = rtc.AudioStream.from_track(
            track=track, sample_rate=RATE, num_channels=1, frame_size_ms=10
        )
        self._listening = asyncio.create_task(self._listen(stream))
        return SimpleNamespace(wait_for_subscription=self.subscribed.wait)

    async def _listen(self, stream: rtc.AudioStream) -> None:
        try:
            async for event in stream:
                heard = np.frombuffer(event.frame.data, np.int16)
                if heard.any():
                    self.samples += [int(sample) for sample in heard if sample]
                    self._more.set()
        finally:
            await stream.aclose()

    async def close(self) -> None:
        """Stop listening."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])

    async def has_heard(self, seconds: float) -> None:
        """Until so much sound has come."""
        async with asyncio.timeout(5):
            while len(self.samples) < seconds * RATE:
                self._more.clear()
                await self._more.wait()


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    """Somebody in it hears the agent."""
    room = Room()
    room.subscribed.set()
    yield room
    await room.close()


@pytest.fixture
async def loudspeaker(room: Room) -> AsyncIterator[TrackAudioOutput]:
    """Published."""
    loudspeaker = TrackAudioOutput()
    await loudspeaker.publish(room)  # type: ignore[arg-type]  # all that it uses of a participant
    yield loudspeaker
    await loudspeaker.close()


def counting(seconds: float, first: int = 1) -> rtc.AudioFrame:
    """Sound in which each sample tells its place."""
    samples = np.arange(first, first + int(seconds * RATE), dtype=np.int16)
    return rtc.AudioFrame(samples.tobytes(), RATE, 1, len(samples))


async def over(loudspeaker: TrackAudioOutput) -> tuple[float, bool]:
    """Seconds that were heard, and whether it was cut, once it is."""
    async with asyncio.timeout(5):
        event = await loudspeaker.wait_for_playout()
    return event.playback_position, event.interrupted


async def test_a_speech_is_played_whole_and_told_once(
    loudspeaker: TrackAudioOutput, room: Room
) -> None:
    """Whatever pieces it comes in."""
    begun: list[float] = []
    loudspeaker.on("playback_started", lambda event: begun.append(event.created_at))
    for first in (1, 2401, 4801):  # handed over in the pieces of a speech service
        await loudspeaker.capture_frame(counting(0.1, first))
    loudspeaker.flush()
    assert await over(loudspeaker) == (pytest.approx(0.3), False)
    assert len(begun) == 1
    await room.has_heard(0.28)
    assert room.samples == list(range(1, len(room.samples) + 1))


async def test_a_pause_is_silence_at_once_and_loses_nothing(
    loudspeaker: TrackAudioOutput, room: Room
) -> None:
    """What WebRTC had queued is played after it."""
    await loudspeaker.capture_frame(counting(0.8))
    loudspeaker.flush()
    await room.has_heard(0.3)
    loudspeaker.pause()
    heard = len(room.samples)
    await asyncio.sleep(0.25)  # longer than what is queued would play
    assert len(room.samples) < heard + AT_ONCE * RATE
    heard = len(room.samples)
    loudspeaker.resume()
    assert await over(loudspeaker) == (pytest.approx(0.8), False)
    await room.has_heard(0.75)
    assert room.samples[:heard] == list(range(1, heard + 1))
    # It goes on where it was cut, within what WebRTC takes at once.
    assert abs(room.samples[heard] - heard) <= 2 * FRAME


async def test_a_pause_comes_before_a_speech_that_was_just_handed_over(
    loudspeaker: TrackAudioOutput, room: Room
) -> None:
    """Nothing of an answer is heard by a caller who goes on at the same moment."""
    await loudspeaker.capture_frame(counting(0.2))
    loudspeaker.pause()
    await asyncio.sleep(0.1)
    assert room.samples == []
    loudspeaker.resume()
    loudspeaker.flush()
    assert await over(loudspeaker) == (pytest.approx(0.2), False)


async def test_the_end_of_a_speech_can_be_paused_too(
    loudspeaker: TrackAudioOutput, room: Room
) -> None:
    """All of it is queued in WebRTC by then, and no piece is left that would bring the pause."""
    await loudspeaker.capture_frame(counting(0.19))
    loudspeaker.flush()
    await room.has_heard(0.05)
    loudspeaker.pause()
    await asyncio.sleep(0.25)
    assert len(room.samples) < (0.05 + AT_ONCE) * RATE
    assert loudspeaker.captured_playout_segments == 1
    loudspeaker.resume()
    assert await over(loudspeaker) == (pytest.approx(0.19), False)


async def test_a_speech_that_is_cut_says_how_far_it_came(
    loudspeaker: TrackAudioOutput, room: Room
) -> None:
    """The conversation keeps what was heard of it."""
    await loudspeaker.capture_frame(counting(1))
    loudspeaker.flush()
    await room.has_heard(0.3)
    loudspeaker.clear_buffer()
    loudspeaker.clear_buffer()  # the framework does, when it cuts off its own tasks
    heard, interrupted = await over(loudspeaker)
    assert interrupted
    assert heard == pytest.approx(len(room.samples) / RATE, abs=AT_ONCE)


async def test_a_speech_that_is_cut_while_it_comes_is_over(
    loudspeaker: TrackAudioOutput, room: Room
) -> None:
    """The next one is heard whole."""
    await loudspeaker.capture_frame(counting(0.5))
    await room.has_heard(0.1)
    loudspeaker.clear_buffer()
    await loudspeaker.capture_frame(counting(0.5))  # late, and not wanted
    loudspeaker.flush()
    assert (await over(loudspeaker))[1]
    await loudspeaker.capture_frame(counting(0.1, 20_000))
    loudspeaker.flush()
    assert await over(loudspeaker) == (pytest.approx(0.1), False)
    assert len(room.samples) < 0.4 * RATE


async def test_a_speech_cut_in_its_pause_does_not_come_back(
    loudspeaker: TrackAudioOutput, room: Room
) -> None:
    """Nor what the pause had put aside."""
    await loudspeaker.capture_frame(counting(0.8))
    loudspeaker.flush()
    await room.has_heard(0.2)
    loudspeaker.pause()
    heard_by_then = len(room.samples) / RATE
    loudspeaker.clear_buffer()
    heard, interrupted = await over(loudspeaker)
    assert interrupted
    assert heard == pytest.approx(heard_by_then, abs=AT_ONCE)
    await loudspeaker.capture_frame(counting(0.1, 20_000))
    loudspeaker.flush()
    loudspeaker.resume()
    assert await over(loudspeaker) == (pytest.approx(0.1), False)
    assert 19_000 not in room.samples
    assert room.samples[-1] > 20_000


async def test_the_next_speech_waits_for_the_end_of_the_last(
    loudspeaker: TrackAudioOutput,
) -> None:
    """The framework hands over what it has."""
    ends: list[float] = []
    loudspeaker.on("playback_finished", lambda event: ends.append(event.playback_position))
    await loudspeaker.capture_frame(counting(0.3))
    loudspeaker.flush()
    await loudspeaker.capture_frame(counting(0.1, 20_000))
    loudspeaker.flush()
    await over(loudspeaker)
    assert ends == [pytest.approx(0.3), pytest.approx(0.1)]


async def test_nothing_plays_before_somebody_hears_it() -> None:
    """A greeting begins at its beginning."""
    room, loudspeaker = Room(), TrackAudioOutput()
    publishing = asyncio.create_task(loudspeaker.publish(room))  # type: ignore[arg-type]
    speaking = asyncio.create_task(loudspeaker.capture_frame(counting(0.1)))
    await asyncio.sleep(0.1)
    assert not publishing.done()
    assert not speaking.done()
    room.subscribed.set()
    await asyncio.wait([publishing, speaking])
    loudspeaker.flush()
    assert await over(loudspeaker) == (pytest.approx(0.1), False)
    await loudspeaker.close()
    await room.close()
