"""The VAD filter: on events alone, and with the real model and real speech."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import inference, vad

from agent_runtime.voice.turns.floor import Floor
from agent_runtime.voice.turns.vad import EventFilter, VadFilter
from fixtures.speech import clip

WINDOW = 0.032  # seconds of a window that the model judges
RATE = 16_000
START, INFERRED, END = (
    vad.VADEventType.START_OF_SPEECH,
    vad.VADEventType.INFERENCE_DONE,
    vad.VADEventType.END_OF_SPEECH,
)


class FixedFloor(Floor):
    """A floor as the test sets it."""

    def __init__(self, *, agent: bool = False, due: bool = False, begun: bool = False) -> None:
        super().__init__()
        self.agent = agent
        self.due = due
        self.begun = begun

    @property
    def agent_has_floor(self) -> bool:
        """As set."""
        return self.agent

    @property
    def answer_is_due(self) -> bool:
        """As set."""
        return self.due

    @property
    def answer_has_just_begun(self) -> bool:
        """As set."""
        return self.begun


def events(pattern: str, ends_after: int = 8) -> Iterator[vad.VADEvent]:
    """The events of a VAD for windows with voice (x), without (.) and with a possible voice (?).

    The VAD is certain of an end after `ends_after` dots.
    """

    def event(
        kind: vad.VADEventType, speaking: bool, speech: int, silence: int, likely: float = 0.0
    ) -> vad.VADEvent:
        return vad.VADEvent(
            type=kind,
            samples_index=0,
            timestamp=0.0,
            speech_duration=speech * WINDOW,
            silence_duration=0.0,
            raw_accumulated_silence=silence * WINDOW,
            speaking=speaking,
            probability=likely,
        )

    speech = silence = 0
    for window in pattern:
        if not speech and window == "x":
            yield event(START, True, 1, 0)
        if speech or window == "x":
            speech += 1
            silence = 0 if window == "x" else silence + 1
            yield event(INFERRED, True, speech, silence)
            if silence == ends_after:
                yield event(END, False, speech - silence, 0)
                speech = silence = 0
        else:
            yield event(INFERRED, False, 0, 0, 0.4 if window == "?" else 0.1)


def filtered(pattern: str, *, agent: bool = False, due: bool = False) -> list[vad.VADEvent]:
    """The events of the filter."""
    return through(EventFilter(FixedFloor(agent=agent, due=due)), pattern)


def through(events_filter: EventFilter, pattern: str) -> list[vad.VADEvent]:
    """The events of this filter for the next windows."""
    return [each for event in events(pattern) for each in events_filter.on_event(event)]


def edges(found: list[vad.VADEvent]) -> list[vad.VADEventType]:
    """The starts and ends of speech."""
    return [event.type for event in found if event.type is not INFERRED]


def longest(found: list[vad.VADEvent]) -> float:
    """The longest voice in seconds, which the framework compares with `interruption.min_duration`."""
    return max(event.speech_duration for event in found if event.type is INFERRED)


@pytest.mark.parametrize("agent", [True, False])
def test_silence_is_not_counted_as_voice(agent: bool) -> None:
    """Eight windows of voice last eight windows, however late the end is certain."""
    assert longest(filtered("xxxxxxxx........", agent=agent)) == pytest.approx(8 * WINDOW)


def test_over_the_agent_s_speech_a_short_voice_is_over_soon() -> None:
    """A short voice over the agent's speech ends once, after a tenth of a second of silence."""
    found = filtered("xxxxxx........", agent=True)
    assert edges(found) == [START, END]
    assert found.index(next(e for e in found if e.type is END)) < 12


def test_when_it_is_the_caller_s_turn_the_end_is_the_model_s() -> None:
    """When the caller has the floor a short voice does not end early: it may begin a sentence."""
    found = filtered("xxxxxx.......")
    assert edges(found) == [START]


def test_a_voice_that_goes_on_begins_again() -> None:
    """A voice after an early end has a duration of its own: two backchannels are no interruption."""
    found = filtered("xxxxxx....xxxxxxxx........", agent=True)
    assert edges(found) == [START, END, START, END]
    assert longest(found) == pytest.approx(8 * WINDOW, abs=WINDOW)


def test_a_long_voice_ends_as_the_model_says() -> None:
    """A voice longer than a backchannel does not end early: its speaker may breathe."""
    assert edges(filtered("x" * 40 + "....", agent=True)) == [START]
    assert edges(filtered("x" * 40 + "........", agent=True)) == [START, END]


def test_what_may_be_a_voice_holds_an_answer_back_that_is_due() -> None:
    """While an answer is due a possible voice starts speech a window before the model is sure, once."""
    found = filtered("..?xxxxxxxx........", due=True)
    assert edges(found) == [START, END]
    assert [event.type for event in found].index(START) == 3


def test_an_answer_goes_out_when_it_was_no_voice() -> None:
    """Each possible voice that was none ends with the next window, so that the answer goes out."""
    assert edges(filtered("..?..??.", due=True)) == [START, END, START, END]


def test_a_sound_holds_an_answer_back_before_it_is_judged() -> None:
    """A sound holds each answer back once, so that the answer goes out where there always is a sound."""
    floor = FixedFloor(due=True)
    voice = EventFilter(floor)

    def window() -> list[vad.VADEventType]:
        return edges(through(voice, ".."))

    assert (window(), edges(list(voice.on_sound()))) == ([], [START])
    assert list(voice.on_sound()) == []
    assert window() == []  # a voice that has only just begun is none yet
    assert (window(), edges(list(voice.on_sound()))) == ([END], [])
    floor.due = False
    assert (window(), list(voice.on_sound())) == ([], [])
    floor.due = True
    assert edges(list(voice.on_sound())) == [START]


@pytest.mark.parametrize("by_window", [True, False])
def test_an_answer_that_has_just_begun_stops_at_once(by_window: bool) -> None:
    """A sound or a possible voice counts as a long voice while the answer has only just begun."""
    voice = EventFilter(FixedFloor(agent=True, begun=True))
    assert edges(through(voice, "..")) == []
    found = through(voice, "?") if by_window else list(voice.on_sound())
    assert edges(found) == [START]
    assert longest(found) > 10


def test_a_sound_that_becomes_a_voice_does_not_end_before_it() -> None:
    """A window with little of a sound does not end the speech that the sound started."""
    voice = EventFilter(FixedFloor(due=True))
    found = through(voice, "..")
    found += voice.on_sound()
    found += through(voice, ".?xxxxxxxx........")
    assert edges(found) == [START, END]


def test_a_sound_during_a_voice_is_part_of_it() -> None:
    """A sound while the model is sure of a voice starts no second speech."""
    voice = EventFilter(FixedFloor(due=True))
    for event in events("..xxx"):
        assert list(voice.on_event(event))
    assert list(voice.on_sound()) == []


def test_with_no_answer_due_nothing_begins_before_the_model_is_sure() -> None:
    """Without an answer that is due, only the model starts speech: a click must not delay a turn's end."""
    assert edges(filtered("..?..xxxx........")) == [START, END]
    assert edges(filtered("..?..", agent=True)) == []


async def test_real_speech_holds_an_answer_back_with_its_first_sounds() -> None:
    """Speech starts with the first audible frame, before the model has judged its window."""
    stream = VadFilter(inference.VAD(), FixedFloor(due=True)).stream()
    for piece in (np.zeros(RATE // 2, np.int16), clip("weather").samples[:320]):
        for start in range(0, len(piece), 160):
            frame = piece[start : start + 160].tobytes()
            stream.push_frame(rtc.AudioFrame(frame, RATE, 1, 160))
        if not piece.any():
            await anext(stream)  # the silence was judged
    stream.end_input()
    assert edges([event async for event in stream])[:1] == [START]
    await stream.aclose()


async def test_the_floor_knows_when_the_last_sound_was() -> None:
    """Only a frame that stands out sets the time of the last sound, from which endpointing counts."""
    floor = Floor()
    stream = VadFilter(inference.VAD(), floor).stream()
    stream.push_frame(rtc.AudioFrame(bytes(640), RATE, 1, 320))
    assert floor.last_sound_at is None
    loop = asyncio.get_running_loop()
    began = loop.time()
    loud = np.full(320, 3000, np.int16).tobytes()
    stream.push_frame(rtc.AudioFrame(loud, RATE, 1, 320))
    at = floor.last_sound_at
    assert at is not None
    assert began <= at <= loop.time()
    stream.push_frame(rtc.AudioFrame(bytes(640), RATE, 1, 320))
    assert floor.last_sound_at == at
    await stream.aclose()


class Broken(vad.VAD):
    """A VAD whose model fails."""

    def __init__(self) -> None:
        super().__init__(capabilities=vad.VADCapabilities(update_interval=0.032))

    def stream(self) -> vad.VADStream:
        """One that fails with the first frame."""
        return BrokenStream(self)


class BrokenStream(vad.VADStream):
    """The stream of `Broken`."""

    async def _main_task(self) -> None:
        async for _ in self._input_ch:
            raise OSError("no model")


async def test_an_error_of_the_model_is_raised_to_the_reader() -> None:
    """The next event raises the model's error, and the stream takes no further frames."""
    stream = VadFilter(Broken(), Floor()).stream()
    frame = rtc.AudioFrame(bytes(640), RATE, 1, 320)
    stream.push_frame(frame)
    with pytest.raises(OSError, match="no model"):
        await anext(stream)
    with pytest.raises(RuntimeError, match="closed"):
        stream.push_frame(frame)
    await stream.aclose()


@pytest.mark.parametrize(("name", "at_most"), [("murmured/uh-huh-rms", 0.45), ("weather", 2.2)])
async def test_real_speech_is_as_long_as_it_is(name: str, at_most: float) -> None:
    """With the bundled model a clip's voice lasts as long as its speech, and ends once."""
    sound = clip(name)
    quiet = np.zeros(RATE // 2, np.int16)
    samples = np.concatenate([quiet, sound.samples, quiet])
    stream = VadFilter(inference.VAD(), Floor()).stream()
    for start in range(0, len(samples) - 160, 160):
        piece = samples[start : start + 160]
        stream.push_frame(rtc.AudioFrame(piece.tobytes(), RATE, 1, 160))
    stream.end_input()
    found = [event async for event in stream]
    assert sound.seconds * 0.6 < longest(found) < at_most
    assert edges(found) == [START, END]
    await stream.aclose()
