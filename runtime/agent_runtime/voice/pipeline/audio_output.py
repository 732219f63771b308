"""The session's audio output: the agent's voice on its way into the room.

Like the framework's own output it keeps a fifth of a second of sound queued in WebRTC. That one stops for
a caller only with its next chunk, up to 50 ms later, or not at all when no chunk is left; and what it had
queued is lost when the agent goes on because the voice was a cough. Here a pause is silence at once, and
the agent goes on with the first sample that was not played.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from typing import Final

from livekit import rtc
from livekit.agents.voice import io

logger = logging.getLogger(__name__)

RATE: Final = 24_000  # Hz
TRACK_NAME: Final = "roomio_audio"  # the name that the framework's own output gives its track
_SAMPLE: Final = 2  # bytes
# Bytes that go to WebRTC at once, at most: 50 ms.
_MAX_CHUNK: Final = RATE // 20 * _SAMPLE
# Bytes of the first chunk of a speech, at least: 20 ms. WebRTC would run out of less at once.
_MIN_FIRST_CHUNK: Final = RATE // 50 * _SAMPLE
# Milliseconds of sound that WebRTC queues.
_QUEUE_MS: Final = 200
# Seconds after which a chunk is in WebRTC's queue, which it reads a hundred times a second.
_QUEUED_WITHIN: Final = 0.002
# Bytes of what fills the track that go to WebRTC at once, 20 ms, and seconds of it that WebRTC queues.
_FILL_CHUNK: Final = RATE // 50 * _SAMPLE
_FILL_AHEAD: Final = 0.04
# Bytes of what WebRTC got that are kept for a pause: half a second, more than its queue ever holds.
_KEPT: Final = RATE * _SAMPLE // 2


class TrackAudioOutput(io.AudioOutput):
    """Publishes one track: 16-bit samples, one channel, `RATE` Hz.

    A speech begins with its first frame. It ends with `flush` and its last sample, or with `clear_buffer`.
    """

    def __init__(self) -> None:
        super().__init__(
            label="TrackAudioOutput",
            capabilities=io.AudioOutputCapabilities(pause=True),
            sample_rate=RATE,
        )
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=_QUEUE_MS)
        self._subscribed = asyncio.Event()
        self._playing: asyncio.Task[None] | None = None
        self._pending = bytearray()  # of the speech, not handed to WebRTC yet
        self._handed_over = bytearray()  # the end of what WebRTC got, played or not
        self._position = 0  # bytes of the speech that WebRTC got
        self._may_play = asyncio.Event()
        self._nothing_pending = asyncio.Event()
        self._nothing_pending.set()
        self._is_paused = False
        # A chunk is on its way into WebRTC's queue, or waits until the queue has space.
        self._is_handing_over = False
        self._is_stale = False  # and that chunk is not wanted any more
        self._in_speech = False
        self._has_begun = False  # playback of this speech was reported
        self._is_cut = False  # the rest of this speech is not wanted
        self._ending: asyncio.Task[None] | None = None
        self._filling: asyncio.Task[None] | None = None

    async def publish(self, participant: rtc.LocalParticipant) -> None:
        """Publish the track; returns when it has a subscriber. Nothing plays before.

        Raises PublishTrackError.
        """
        track = rtc.LocalAudioTrack.create_audio_track(TRACK_NAME, self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        publication = await participant.publish_track(track, options)
        await publication.wait_for_subscription()
        self._playing = asyncio.create_task(self._play())
        self._subscribed.set()

    async def close(self) -> None:
        """Stop playing; the rest of the speech is lost."""
        self.stop_filling()
        tasks = [task for task in (self._playing, self._ending) if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._source.aclose()

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Add a frame to the speech. Frames may come faster than they play."""
        await self._subscribed.wait()
        if self._ending is not None:
            await asyncio.wait([self._ending])
        await super().capture_frame(frame)
        if self._is_cut:
            return
        self._in_speech = True
        self._pending += frame.data.cast("B")
        self._update()

    def flush(self) -> None:
        """Mark the speech as complete."""
        super().flush()
        if self._in_speech and self._ending is None:
            self._ending = asyncio.create_task(self._end())
            self._update()
        self._is_cut = False

    def clear_buffer(self) -> None:
        """End the speech where it is."""
        if not self._in_speech:
            return
        played = self._position - self._queued()
        self._empty_queue()
        self._pending.clear()
        self._update()
        if self._ending is None:
            self._is_cut = True
        else:
            self._ending.cancel()
        self._finish(played, interrupted=True)

    def pause(self) -> None:
        """Fall silent; what is queued is kept."""
        super().pause()
        if self._is_paused:
            return
        self._is_paused = True
        if unplayed := min(self._queued(), len(self._handed_over)):
            self._pending[:0] = self._handed_over[-unplayed:]
            del self._handed_over[-unplayed:]
            self._position -= unplayed
        self._empty_queue()
        self._update()

    def resume(self) -> None:
        """Go on with the first sample that was not played."""
        super().resume()
        self._is_paused = False
        self._update()

    def fill(self, sound: bytes) -> None:
        """Play the samples over and over until the next speech plays, or until `stop_filling`."""
        self.stop_filling()
        if self._subscribed.is_set() and not self._in_speech:
            self._filling = asyncio.create_task(self._fill(sound))

    def stop_filling(self) -> None:
        """Fall silent if the track is being filled."""
        if self._filling is not None:
            self._filling.cancel()
            self._filling = None
            self._source.clear_queue()

    async def _fill(self, sound: bytes) -> None:
        for start in itertools.cycle(range(0, len(sound), _FILL_CHUNK)):
            chunk = sound[start : start + _FILL_CHUNK]
            await self._source.capture_frame(rtc.AudioFrame(chunk, RATE, 1, len(chunk) // _SAMPLE))
            # Little is queued, so that a speech has little to wait for.
            await asyncio.sleep(max(0.0, self._source.queued_duration - _FILL_AHEAD))

    def _empty_queue(self) -> None:
        """Empty WebRTC's queue, also of a chunk that was handed over a moment ago and is not in it yet."""
        self._source.clear_queue()
        if self._is_handing_over:
            self._is_stale = True
            asyncio.get_running_loop().call_later(_QUEUED_WITHIN, self._drop_stale)

    def _drop_stale(self) -> None:
        if self._is_stale:  # no other chunk was handed over since
            self._source.clear_queue()

    def _queued(self) -> int:
        """Bytes that WebRTC has not taken out of its queue."""
        samples = int(self._source.queued_duration * RATE)
        return min(samples * _SAMPLE, self._position)

    def _update(self) -> None:
        """Set the two events after a change of what is pending, or of the pause."""
        if self._pending:
            self._nothing_pending.clear()
        else:
            self._nothing_pending.set()
        enough = 1 if self._position or self._ending is not None else _MIN_FIRST_CHUNK
        if len(self._pending) >= enough and not self._is_paused:
            self._may_play.set()
        else:
            self._may_play.clear()

    async def _play(self) -> None:
        while True:
            while not self._may_play.is_set():  # it may be cleared again before this task runs
                await self._may_play.wait()
            chunk = bytes(self._pending[:_MAX_CHUNK])
            del self._pending[:_MAX_CHUNK]
            self._position += len(chunk)
            self._handed_over += chunk
            del self._handed_over[:-_KEPT]
            frame = rtc.AudioFrame(chunk, RATE, 1, len(chunk) // _SAMPLE)
            if not self._has_begun:
                self.stop_filling()
                self._has_begun = True
                self.on_playback_started(created_at=time.time())
            self._is_handing_over = True
            try:
                # Returns when the queue has space for more.
                await self._source.capture_frame(frame)
            except Exception:
                # rtc.AudioSource raises nothing more precise. The rest may still be played.
                logger.exception("a chunk of the agent's speech was lost")
            self._drop_stale()
            self._is_handing_over = self._is_stale = False
            self._update()

    async def _end(self) -> None:
        while self._pending or self._queued():
            await self._nothing_pending.wait()
            await self._source.wait_for_playout()
        self._finish(self._position, interrupted=False)

    def _finish(self, played: int, *, interrupted: bool) -> None:
        self._in_speech = self._has_begun = False
        self._ending = None
        self._position = 0
        self._handed_over.clear()
        self.on_playback_finished(
            playback_position=played / _SAMPLE / RATE, interrupted=interrupted
        )
