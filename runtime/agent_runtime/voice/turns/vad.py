"""Voice activity as a conversation needs it: how long a voice over the agent's speech lasts, when it ends.

The framework has the agent pause when a voice has lasted for `interruption.min_duration`, and go on when it
ends without words. It holds an answer that is not heard yet back as soon as a voice begins. Three things in
the events of a VAD make that slow and wrong:

- The duration includes the silence between the last sound and the certain end of speech, a quarter of a
  second: an "uh-huh" of 0.25 s counts as 0.5 s. The filter counts the voice alone.
- The end is certain late, because a turn may go on. While the agent has the floor, a short voice that a
  tenth of a second of silence followed is over: the agent need not stay silent for longer.
- The beginning is certain late, after two windows of voice. A caller who only paused, and goes on while the
  answer is on its way, would hear its first syllable. A window that may hold a voice therefore holds the
  answer back, until the next window proves that there was none; so does, once for each answer, a sound
  whose window is not full yet. An answer that has just begun stops at once for such a sound: the caller
  cannot have heard it so soon.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from livekit import rtc
from livekit.agents import vad
from livekit.agents.utils import aio

from agent_runtime.voice.turns.floor import Floor
from agent_runtime.voice.turns.noise_floor import NoiseFloor

# Seconds of silence after which a voice over the agent's speech is over, if it was no longer than
# LONGEST_BACKCHANNEL.
SILENCE: Final = 0.09
# Seconds of voice up to which it may be a backchannel.
LONGEST_BACKCHANNEL: Final = 0.9
# Probability of voice from which a window may hold the caller who goes on.
MAY_BE_VOICE: Final = 0.3
# Seconds of voice that are longer than any agent's `interruptAfter`, so that the agent falls silent.
LONG_ENOUGH: Final = 60.0
# Windows without voice after a sound that show it was none; in the first one it may only just have begun.
JUDGED_AFTER: Final = 3


class VadFilter(vad.VAD):
    """Another VAD, `inner`, whose events are corrected as the module describes, for one call."""

    def __init__(self, inner: vad.VAD, floor: Floor) -> None:
        super().__init__(capabilities=inner.capabilities)
        self._inner = inner
        self._floor = floor

    @property
    def inner(self) -> vad.VAD:
        """The VAD whose model judges the sound."""
        return self._inner

    @property
    def model(self) -> str:
        """The model's name."""
        return self._inner.model

    @property
    def provider(self) -> str:
        """The model's provider."""
        return self._inner.provider

    @property
    def min_silence_duration(self) -> float | None:
        """Seconds of silence that end speech; the turn detector reads it. None where it is unknown."""
        return getattr(self._inner, "min_silence_duration", None)

    def stream(self) -> vad.VADStream:
        """Open a stream for the caller's sound."""
        return _FilteredStream(self._inner.stream(), self._floor)


class _FilteredStream(vad.VADStream):
    """A stream of the inner VAD, with the events of an `EventFilter`.

    The base class is not initialised: its tasks, channels and metrics would only pass on what those of the
    inner stream do, fifty times a second.
    """

    def __init__(self, inner: vad.VADStream, floor: Floor) -> None:
        self._inner = inner
        self._floor = floor
        self._filter = EventFilter(floor)
        self._noise_floor = NoiseFloor()
        self._event_ch = aio.Chan[vad.VADEvent]()
        self._task = asyncio.create_task(self._main_task())
        self._task.add_done_callback(lambda _: self._event_ch.close())

    async def _main_task(self) -> None:
        async for event in self._inner:
            self._send(self._filter.on_event(event))

    def push_frame(self, frame: rtc.AudioFrame) -> None:
        """Take the next frame of the caller's sound."""
        self._check_not_closed()
        if self._noise_floor.stands_out(frame):
            self._floor.note_sound()
            self._send(self._filter.on_sound())
        self._inner.push_frame(frame)

    def flush(self) -> None:
        """End the current segment; the next frames belong to another voice."""
        self._inner.flush()

    def end_input(self) -> None:
        """Take no further frames."""
        self._inner.end_input()

    async def aclose(self) -> None:
        """Close the stream and the inner one."""
        await aio.cancel_and_wait(self._task)
        self._event_ch.close()
        await self._inner.aclose()

    async def __anext__(self) -> vad.VADEvent:
        """The next event. Raises the error that ended the inner stream."""
        try:
            return await self._event_ch.recv()
        except aio.ChanClosed:
            if not self._task.cancelled() and (error := self._task.exception()):
                raise error from None
            raise StopAsyncIteration from None

    def _send(self, events: Iterable[vad.VADEvent]) -> None:
        for event in events:
            self._event_ch.send_nowait(event)


class EventFilter:
    """Turns each event of a VAD into the events that the session gets; needs neither sound nor model."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._begun_early = False
        self._held_for_sound = False
        self._unjudged = 0  # windows that are left for a sound to become a voice
        self._last: vad.VADEvent | None = None  # of a window without voice
        self._ended_early = False
        self._before = (
            0.0  # seconds of the VAD's speech that belong to an earlier voice, which is over
        )

    def on_sound(self) -> Iterator[vad.VADEvent]:
        """The events for a sound that stands out from the noise, before its window is judged."""
        # A loud place always has a sound: only a window with a voice in it may hold the answer again.
        if self._last is not None and not self._held_for_sound and not self._begun_early:
            yield from self._hold_back(self._last)
            self._held_for_sound = self._begun_early
            self._unjudged = JUDGED_AFTER

    def on_event(self, event: vad.VADEvent) -> Iterator[vad.VADEvent]:
        """The events that replace `event`."""
        if event.type is vad.VADEventType.INFERENCE_DONE:
            yield from self._on_inference(event)
            return
        begin_was_sent, self._begun_early = self._begun_early, False
        end_was_sent, self._ended_early, self._before = self._ended_early, False, 0.0
        if event.type is vad.VADEventType.START_OF_SPEECH and begin_was_sent:
            return
        if event.type is vad.VADEventType.END_OF_SPEECH and end_was_sent:
            return
        yield event

    def _on_inference(self, event: vad.VADEvent) -> Iterator[vad.VADEvent]:
        self._last = None if event.speaking else event
        if not event.speaking:
            self._held_for_sound = self._held_for_sound and self._answer_is_unheard()
            yield event
            yield from self._may_begin(event)
            return
        silence = event.raw_accumulated_silence
        if self._ended_early and silence > 0:
            yield replace(event, speaking=False, speech_duration=0.0)
            return
        if self._ended_early:
            self._ended_early = False
            self._before = event.speech_duration
            yield replace(event, type=vad.VADEventType.START_OF_SPEECH, speech_duration=0.0)
        voiced = max(0.0, event.speech_duration - silence - self._before)
        yield replace(event, speech_duration=voiced)
        if silence >= SILENCE and voiced <= LONGEST_BACKCHANNEL and self._floor.agent_has_floor:
            self._ended_early = True
            yield replace(
                event,
                type=vad.VADEventType.END_OF_SPEECH,
                speaking=False,
                silence_duration=silence,
                speech_duration=voiced,
            )

    def _may_begin(self, event: vad.VADEvent) -> Iterator[vad.VADEvent]:
        may_be_voice = event.probability >= MAY_BE_VOICE
        if may_be_voice and not self._begun_early:
            yield from self._hold_back(event)
        self._unjudged = 0 if may_be_voice else self._unjudged - 1
        if self._begun_early and not may_be_voice and self._unjudged <= 0:
            self._begun_early = False
            yield replace(event, type=vad.VADEventType.END_OF_SPEECH, silence_duration=0.0)

    def _hold_back(self, event: vad.VADEvent) -> Iterator[vad.VADEvent]:
        """Begin the voice early, if there is an answer that the caller has not heard."""
        self._begun_early = self._answer_is_unheard()
        if not self._begun_early:
            return
        yield replace(event, type=vad.VADEventType.START_OF_SPEECH, speaking=True)
        if self._floor.answer_has_just_begun:
            yield replace(event, speaking=True, speech_duration=LONG_ENOUGH)

    def _answer_is_unheard(self) -> bool:
        return self._floor.answer_is_due or self._floor.answer_has_just_begun
