"""Voice activity for somebody who talks: how long a voice over the agent's words lasts, and when it ends.

The framework has the agent pause when a voice has lasted for `interruption.min_duration`, and go on when it
ends without words. An answer that is not heard yet it holds back as soon as a voice begins. Three things in
what a VAD tells make that slow and wrong:

- The duration includes the silence after the last sound until the end of speech is certain, a quarter of a
  second: an "uh-huh" of 0.25 s counts as 0.5 s. Here it counts the voice alone.
- The end is certain late because a turn may go on. While the agent has the floor, a short voice that was
  followed by a tenth of a second of silence is over: the agent need not stay silent for longer.
- The beginning is certain late, after two windows of voice. A caller who only paused, and goes on while the
  answer is on its way, would hear its first syllable. What may be a voice holds the answer back, until the
  next window says that it is none; so does, once for each answer, a sound before its window is full. An
  answer that has just begun stops for it at once: so soon the caller cannot have heard it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

from livekit import rtc
from livekit.agents import vad
from livekit.agents.utils import aio

from agent_runtime.voice.turns.noise_floor import NoiseFloor

# Seconds of silence after which a voice over the agent's is over, if it was not longer than a murmur.
SILENCE: Final = 0.09
LONGEST_MURMUR: Final = 0.9
# Probability of voice from which a window may be the caller who goes on.
MAY_BE_VOICE: Final = 0.3
# Seconds of voice for which the agent falls silent whatever its `interruptAfter`.
LONG_ENOUGH: Final = 60.0
# Windows without voice after a sound that make it none; in the first it may only just have begun.
JUDGED_AFTER: Final = 3

Condition = Callable[[], bool]


class VadFilter(vad.VAD):
    """`inner`, as described above.

    Who has the floor is set once the session is there, before its `stream`.
    """

    def __init__(self, inner: vad.VAD) -> None:
        super().__init__(capabilities=inner.capabilities)
        self._inner = inner
        self.agent_has_floor: Condition = lambda: False
        self.answer_is_due: Condition = lambda: False
        self.answer_has_just_begun: Condition = lambda: False
        # When the last sound stood out, by the loop's clock; a voice that is spoken low may not.
        self.sounded_at: float | None = None

    @property
    def inner(self) -> vad.VAD:
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

    @property
    def min_silence_duration(self) -> float | None:
        """Seconds of silence that end speech; the turn detector asks for it. None where not known."""
        return getattr(self._inner, "min_silence_duration", None)

    def stream(self) -> vad.VADStream:
        """Of one call; who has the floor is known by then."""
        voice = Voice(self.agent_has_floor, self.answer_is_due, self.answer_has_just_begun)
        return _VoicedStream(self, self._inner.stream(), voice)

    def sounded(self) -> None:
        """There is a sound that stands out, now."""
        self.sounded_at = asyncio.get_running_loop().time()


class _VoicedStream(vad.VADStream):
    """What `inner` hears.

    Not initialised as a stream of its own: the tasks, channels and figures that the base class makes would
    only pass on what those of `inner` do, fifty times a second.
    """

    def __init__(self, parent: VadFilter, inner: vad.VADStream, voice: Voice) -> None:
        self._parent = parent
        self._inner = inner
        self._voice = voice
        self._loudness = NoiseFloor()
        self._event_ch = aio.Chan[vad.VADEvent]()
        self._task = asyncio.create_task(self._main_task())
        self._task.add_done_callback(lambda _: self._event_ch.close())

    async def _main_task(self) -> None:
        async for event in self._inner:
            self._tell(self._voice.told(event))

    def push_frame(self, frame: rtc.AudioFrame) -> None:
        """More of the caller's sound."""
        self._check_not_closed()
        if self._loudness.stands_out(frame):
            self._parent.sounded()
            self._tell(self._voice.sounded())
        self._inner.push_frame(frame)

    def flush(self) -> None:
        """What comes next is another voice."""
        self._inner.flush()

    def end_input(self) -> None:
        """No more of it."""
        self._inner.end_input()

    async def aclose(self) -> None:
        """Stop."""
        await aio.cancel_and_wait(self._task)
        self._event_ch.close()
        await self._inner.aclose()

    async def __anext__(self) -> vad.VADEvent:
        """The next event. Raises what `inner` failed with."""
        try:
            return await self._event_ch.recv()
        except aio.ChanClosed:
            if not self._task.cancelled() and (error := self._task.exception()):
                raise error from None
            raise StopAsyncIteration from None

    def _tell(self, events: Iterable[vad.VADEvent]) -> None:
        for event in events:
            self._event_ch.send_nowait(event)


class Voice:
    """What is told of each event of a VAD."""

    def __init__(
        self, has_floor: Condition, answer_is_due: Condition, answer_has_just_begun: Condition
    ) -> None:
        self._has_floor = has_floor
        self._answer_is_due = answer_is_due
        self._answer_has_just_begun = answer_has_just_begun
        self._begun_early = False
        self._held_for_sound = False
        self._unjudged = 0  # windows that are left for a sound to become a voice
        self._last: vad.VADEvent | None = None  # of a window without voice
        self._ended_early = False
        self._before = 0.0  # seconds of the VAD's speech that were another voice's, which is over

    def sounded(self) -> Iterator[vad.VADEvent]:
        """The same of a sound that stands out, before its window is judged."""
        # In a loud place there is always one; a window with a voice in it may still hold the answer.
        if self._last is not None and not self._held_for_sound and not self._begun_early:
            yield from self._hold_back(self._last)
            self._held_for_sound = self._begun_early
            self._unjudged = JUDGED_AFTER

    def told(self, event: vad.VADEvent) -> Iterator[vad.VADEvent]:
        """The events in its place."""
        if event.type is vad.VADEventType.INFERENCE_DONE:
            yield from self._inferred(event)
            return
        begin_was_told, self._begun_early = self._begun_early, False
        end_was_told, self._ended_early, self._before = self._ended_early, False, 0.0
        if event.type is vad.VADEventType.START_OF_SPEECH and begin_was_told:
            return
        if event.type is vad.VADEventType.END_OF_SPEECH and end_was_told:
            return
        yield event

    def _inferred(self, event: vad.VADEvent) -> Iterator[vad.VADEvent]:
        self._last = None if event.speaking else event
        if not event.speaking:
            self._held_for_sound = self._held_for_sound and self._is_unheard()
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
        if silence >= SILENCE and voiced <= LONGEST_MURMUR and self._has_floor():
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
        """What begins now begins early, if there is an answer that nobody has heard."""
        self._begun_early = self._is_unheard()
        if not self._begun_early:
            return
        yield replace(event, type=vad.VADEventType.START_OF_SPEECH, speaking=True)
        if self._answer_has_just_begun():
            yield replace(event, speaking=True, speech_duration=LONG_ENOUGH)

    def _is_unheard(self) -> bool:
        return self._answer_is_due() or self._answer_has_just_begun()
