"""The audio output, through WebRTC's own source, played at the track that would be published."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from livekit import rtc

from agent_runtime.voice.pipeline.audio_output import RATE, TrackAudioOutput

FRAME = RATE // 100  # samples that WebRTC plays at once: 10 ms
AT_ONCE = 0.1  # seconds that the test's loop may be late: half of what WebRTC queues


class Room:
    """Publishes to itself: has the samples that a subscriber would get."""

    def __init__(self) -> None:
        self.samples: list[int] = []
        self._more = asyncio.Event()
        self.subscribed = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    async def publish_track(self, track: rtc.LocalAudioTrack, _: Any) -> Any:
        """Publish the track, like a participant."""
        stream = rtc.AudioStream.from_track(
            track=track, sample_rate=RATE, num_channels=1, frame_size_ms=10
        )
        self._listening = asyncio.create_task(self._listen(stream))
        return SimpleNamespace(wait_for_subscription=self.subscribed.wait)

    async def _listen(self, stream: rtc.AudioStream) -> None:
        try:
            async for event in stream:
                played = np.frombuffer(event.frame.data, np.int16)
                if played.any():
                    self.samples += [int(sample) for sample in played if sample]
                    self._more.set()
        finally:
            await stream.aclose()

    async def close(self) -> None:
        """Stop listening."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])

    async def receives(self, seconds: float) -> None:
        """Return when that much sound has been played."""
        async with asyncio.timeout(5):
            while len(self.samples) < seconds * RATE:
                self._more.clear()
                await self._more.wait()


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    """A room in which somebody has subscribed to the agent."""
    room = Room()
    room.subscribed.set()
    yield room
    await room.close()


@pytest.fixture
async def output(room: Room) -> AsyncIterator[TrackAudioOutput]:
    """An output that is published."""
    output = TrackAudioOutput()
    await output.publish(room)  # type: ignore[arg-type]  # it uses nothing else of a participant
    yield output
    await output.close()


def counting(seconds: float, first: int = 1) -> rtc.AudioFrame:
    """Sound in which each sample is its own position."""
    samples = np.arange(first, first + int(seconds * RATE), dtype=np.int16)
    return rtc.AudioFrame(samples.tobytes(), RATE, 1, len(samples))


async def over(output: TrackAudioOutput) -> tuple[float, bool]:
    """Wait for the end of a speech: seconds that were played, and whether it was cut."""
    async with asyncio.timeout(5):
        event = await output.wait_for_playout()
    return event.playback_position, event.interrupted


async def test_a_speech_is_played_whole_and_reported_once(
    output: TrackAudioOutput, room: Room
) -> None:
    """All samples of a speech in several frames are played in order, and its playback starts once."""
    begun: list[float] = []
    output.on("playback_started", lambda event: begun.append(event.created_at))
    for first in (1, 2401, 4801):  # in chunks, as from speech synthesis
        await output.capture_frame(counting(0.1, first))
    output.flush()
    assert await over(output) == (pytest.approx(0.3), False)
    assert len(begun) == 1
    await room.receives(0.28)
    assert room.samples == list(range(1, len(room.samples) + 1))


async def test_a_pause_is_silence_at_once_and_loses_nothing(
    output: TrackAudioOutput, room: Room
) -> None:
    """A pause silences what WebRTC has queued, and resuming plays it from where the pause came."""
    await output.capture_frame(counting(0.8))
    output.flush()
    await room.receives(0.3)
    output.pause()
    played = len(room.samples)
    await asyncio.sleep(0.25)  # seconds, longer than WebRTC's queue plays
    assert len(room.samples) < played + AT_ONCE * RATE
    played = len(room.samples)
    output.resume()
    assert await over(output) == (pytest.approx(0.8), False)
    await room.receives(0.75)
    assert room.samples[:played] == list(range(1, played + 1))
    # It goes on where it was paused, within what WebRTC takes at once.
    assert abs(room.samples[played] - played) <= 2 * FRAME


async def test_a_pause_comes_before_a_speech_that_was_just_handed_over(
    output: TrackAudioOutput, room: Room
) -> None:
    """A pause right after the first frame keeps all of the speech back until it resumes."""
    await output.capture_frame(counting(0.2))
    output.pause()
    await asyncio.sleep(0.1)
    assert room.samples == []
    output.resume()
    output.flush()
    assert await over(output) == (pytest.approx(0.2), False)


async def test_the_end_of_a_speech_can_be_paused_too(output: TrackAudioOutput, room: Room) -> None:
    """A speech whose last chunk is in WebRTC's queue can be paused too, and resumes."""
    await output.capture_frame(counting(0.19))
    output.flush()
    await room.receives(0.05)
    output.pause()
    await asyncio.sleep(0.25)
    assert len(room.samples) < (0.05 + AT_ONCE) * RATE
    assert output.captured_playout_segments == 1
    output.resume()
    assert await over(output) == (pytest.approx(0.19), False)


async def test_a_speech_that_is_cut_says_how_far_it_came(
    output: TrackAudioOutput, room: Room
) -> None:
    """A cut speech reports how much of it was played: the conversation keeps that."""
    await output.capture_frame(counting(1))
    output.flush()
    await room.receives(0.3)
    output.clear_buffer()
    output.clear_buffer()  # the framework does so when it cancels its own tasks
    played, interrupted = await over(output)
    assert interrupted
    assert played == pytest.approx(len(room.samples) / RATE, abs=AT_ONCE)


async def test_a_speech_that_is_cut_while_it_comes_is_over(
    output: TrackAudioOutput, room: Room
) -> None:
    """Frames of a cut speech that come late are dropped, and the next speech is played whole."""
    await output.capture_frame(counting(0.5))
    await room.receives(0.1)
    output.clear_buffer()
    await output.capture_frame(counting(0.5))  # late, and not wanted
    output.flush()
    assert (await over(output))[1]
    await output.capture_frame(counting(0.1, 20_000))
    output.flush()
    assert await over(output) == (pytest.approx(0.1), False)
    assert len(room.samples) < 0.4 * RATE


async def test_a_speech_cut_in_its_pause_does_not_come_back(
    output: TrackAudioOutput, room: Room
) -> None:
    """A speech that is cut in its pause is not played when the output resumes; the next one is."""
    await output.capture_frame(counting(0.8))
    output.flush()
    await room.receives(0.2)
    output.pause()
    played_by_then = len(room.samples) / RATE
    output.clear_buffer()
    played, interrupted = await over(output)
    assert interrupted
    assert played == pytest.approx(played_by_then, abs=AT_ONCE)
    await output.capture_frame(counting(0.1, 20_000))
    output.flush()
    output.resume()
    assert await over(output) == (pytest.approx(0.1), False)
    assert 19_000 not in room.samples
    assert room.samples[-1] > 20_000


async def test_the_next_speech_waits_for_the_end_of_the_last(
    output: TrackAudioOutput,
) -> None:
    """A frame after `flush` waits until the speech before it is over."""
    ends: list[float] = []
    output.on("playback_finished", lambda event: ends.append(event.playback_position))
    await output.capture_frame(counting(0.3))
    output.flush()
    await output.capture_frame(counting(0.1, 20_000))
    output.flush()
    await over(output)
    assert ends == [pytest.approx(0.3), pytest.approx(0.1)]


async def test_nothing_plays_before_somebody_subscribes() -> None:
    """Frames wait for the first subscriber, who gets the speech from its beginning."""
    room, output = Room(), TrackAudioOutput()
    publishing = asyncio.create_task(output.publish(room))  # type: ignore[arg-type]
    speaking = asyncio.create_task(output.capture_frame(counting(0.1)))
    await asyncio.sleep(0.1)
    assert not publishing.done()
    assert not speaking.done()
    room.subscribed.set()
    await asyncio.wait([publishing, speaking])
    output.flush()
    assert await over(output) == (pytest.approx(0.1), False)
    await output.close()
    await room.close()


FILLER = np.full(RATE // 2, -7, np.int16).tobytes()  # no sample of a speech is negative here


async def test_what_fills_the_track_is_never_over_a_speech(
    output: TrackAudioOutput, room: Room
) -> None:
    """The filling goes on until a speech plays, and no sample of it comes after the speech's first."""
    output.fill(FILLER)
    await room.receives(0.8)
    await output.capture_frame(counting(0.3))
    output.flush()
    assert await over(output) == (pytest.approx(0.3), False)
    samples = room.samples
    first = samples.index(1)
    assert set(samples[:first]) == {-7}
    assert samples[first:] == list(range(1, len(samples) - first + 1))


async def test_the_filling_stops_at_once(output: TrackAudioOutput, room: Room) -> None:
    """Once stopped, no more is played than WebRTC has taken; while a speech plays it never begins."""
    output.fill(FILLER)
    await room.receives(0.2)
    output.stop_filling()
    played = len(room.samples)
    await output.capture_frame(counting(0.3))
    output.fill(FILLER)
    output.flush()
    await over(output)
    assert room.samples[: played + int(AT_ONCE * RATE)].count(-7) <= played + AT_ONCE * RATE
    assert -7 not in room.samples[played + int(AT_ONCE * RATE) :]
