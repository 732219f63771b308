"""The agent's voice on its way into the room.

Like the framework's own output it keeps a fifth of a second of sound queued in WebRTC. That one stops for
a caller only with its next piece, up to 50 ms later, or not at all when no piece is left; and what it had
queued is lost when the agent goes on because the voice was a cough. Here a pause is silence at once, and
the agent goes on with the sound that nobody heard.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final

from livekit import rtc
from livekit.agents.voice import io

logger = logging.getLogger(__name__)

RATE: Final = 24_000  # Hz
TRACK_NAME: Final = "roomio_audio"  # as the framework's own output has it
_SAMPLE: Final = 2  # bytes
_PIECE: Final = RATE // 20 * _SAMPLE  # most that is handed over at once
# And what the first of a speech holds: less would run out at once.
_LEAST: Final = RATE // 50 * _SAMPLE
_QUEUE_MS: Final = 200
# Seconds after which WebRTC has a piece; it is taken a hundred times a second.
_ON_ITS_WAY: Final = 0.002
# Of what was handed over, for a pause; the queue never holds as much.
_KEPT: Final = RATE * _SAMPLE // 2


class TrackAudioOutput(io.AudioOutput):
    """Publishes one track; 16 bits, one channel, `RATE`.

    A speech begins with its first frame and ends with `flush` and its last sample, or with `clear_buffer`.
    """

    def __init__(self) -> None:
        super().__init__(
            label="TrackAudioOutput",
            capabilities=io.AudioOutputCapabilities(pause=True),
            sample_rate=RATE,
        )
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=_QUEUE_MS)
        self._audible = asyncio.Event()  # somebody has subscribed
        self._playing: asyncio.Task[None] | None = None
        self._waiting = bytearray()  # of the speech, not handed to WebRTC yet
        self._given = bytearray()  # the end of what was, played or not
        self._position = 0  # bytes of the speech that were handed over
        self._may_play = asyncio.Event()
        self._all_given = asyncio.Event()
        self._all_given.set()
        self._is_paused = False
        self._is_giving = False  # a piece is on its way into the queue, or waits for room there
        self._is_stale = False  # and what it brings is not wanted any more
        self._in_speech = False
        self._has_begun = False  # to be played; told once for a speech
        self._is_cut = False  # the rest of this speech is not wanted
        self._ending: asyncio.Task[None] | None = None

    async def publish(self, participant: rtc.LocalParticipant) -> None:
        """Publish the track; returns when somebody hears it. Nothing plays before."""
        track = rtc.LocalAudioTrack.create_audio_track(TRACK_NAME, self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        publication = await participant.publish_track(track, options)
        await publication.wait_for_subscription()
        self._playing = asyncio.create_task(self._play())
        self._audible.set()

    async def close(self) -> None:
        """Stop playing; what was not heard stays unheard."""
        tasks = [task for task in (self._playing, self._ending) if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._source.aclose()

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Add to the speech; faster than it plays, if need be."""
        await self._audible.wait()
        if self._ending is not None:
            await asyncio.wait([self._ending])
        await super().capture_frame(frame)
        if self._is_cut:
            return
        self._in_speech = True
        self._waiting += frame.data.cast("B")
        self._play_what_may()

    def flush(self) -> None:
        """The speech is complete."""
        super().flush()
        if self._in_speech and self._ending is None:
            self._ending = asyncio.create_task(self._end())
            self._play_what_may()
        self._is_cut = False

    def clear_buffer(self) -> None:
        """End the speech where it is."""
        if not self._in_speech:
            return
        heard = self._position - self._queued()
        self._empty_queue()
        self._waiting.clear()
        self._play_what_may()
        if self._ending is None:
            self._is_cut = True
        else:
            self._ending.cancel()
        self._finish(heard, interrupted=True)

    def pause(self) -> None:
        """Fall silent; what is queued is kept."""
        super().pause()
        if self._is_paused:
            return
        self._is_paused = True
        if unheard := min(self._queued(), len(self._given)):
            self._waiting[:0] = self._given[-unheard:]
            del self._given[-unheard:]
            self._position -= unheard
        self._empty_queue()
        self._play_what_may()

    def resume(self) -> None:
        """Go on with the first sample that nobody has heard."""
        super().resume()
        self._is_paused = False
        self._play_what_may()

    def _empty_queue(self) -> None:
        """Also of a piece that was handed over a moment ago, and comes into the queue only now."""
        self._source.clear_queue()
        if self._is_giving:
            self._is_stale = True
            asyncio.get_running_loop().call_later(_ON_ITS_WAY, self._drop_stale)

    def _drop_stale(self) -> None:
        if self._is_stale:  # nothing was handed over since
            self._source.clear_queue()

    def _queued(self) -> int:
        """Bytes that WebRTC has not taken out of its queue."""
        samples = int(self._source.queued_duration * RATE)
        return min(samples * _SAMPLE, self._position)

    def _play_what_may(self) -> None:
        if self._waiting:
            self._all_given.clear()
        else:
            self._all_given.set()
        enough = 1 if self._position or self._ending is not None else _LEAST
        if len(self._waiting) >= enough and not self._is_paused:
            self._may_play.set()
        else:
            self._may_play.clear()

    async def _play(self) -> None:
        while True:
            while not self._may_play.is_set():  # it may be cleared again before we run
                await self._may_play.wait()
            piece = bytes(self._waiting[:_PIECE])
            del self._waiting[:_PIECE]
            self._position += len(piece)
            self._given += piece
            del self._given[:-_KEPT]
            frame = rtc.AudioFrame(piece, RATE, 1, len(piece) // _SAMPLE)
            if not self._has_begun:
                self._has_begun = True
                self.on_playback_started(created_at=time.time())
            self._is_giving = True
            try:
                # Comes back when the queue has room for more.
                await self._source.capture_frame(frame)
            except Exception:
                # rtc.AudioSource raises nothing more precise. The rest may still be heard.
                logger.exception("a piece of the agent's speech was lost")
            self._drop_stale()
            self._is_giving = self._is_stale = False
            self._play_what_may()

    async def _end(self) -> None:
        while self._waiting or self._queued():
            await self._all_given.wait()
            await self._source.wait_for_playout()
        self._finish(self._position, interrupted=False)

    def _finish(self, heard: int, *, interrupted: bool) -> None:
        self._in_speech = self._has_begun = False
        self._ending = None
        self._position = 0
        self._given.clear()
        self.on_playback_finished(playback_position=heard / _SAMPLE / RATE, interrupted=interrupted)
