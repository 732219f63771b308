"""What is told of a voice: by itself as events, and with the real model and real speech."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import inference, vad

from agent_runtime.voice.turns.vad import VadFilter, Voice
from fixtures.speech import clip

WINDOW = 0.032  # seconds of sound that the model judges at once
RATE = 16_000
START, INFERRED, END = (
    vad.VADEventType.START_OF_SPEECH,
    vad.VADEventType.INFERENCE_DONE,
    vad.VADEventType.END_OF_SPEECH,
)


def events(pattern: str, ends_after: int = 8) -> Iterator[vad.VADEvent]:
    """What a VAD says of windows with voice (x), without (.) and perhaps (?).

    It is sure of an end after `ends_after` dots.
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


def told(pattern: str, *, floor: bool = False, due: bool = False) -> list[vad.VADEvent]:
    """What comes out."""
    voice = Voice(lambda: floor, lambda: due, lambda: False)
    return [each for event in events(pattern) for each in voice.told(event)]


def edges(found: list[vad.VADEvent]) -> list[vad.VADEventType]:
    """Beginnings and ends."""
    return [event.type for event in found if event.type is not INFERRED]


def longest(found: list[vad.VADEvent]) -> float:
    """Seconds of voice that would be compared with the interruption's."""
    return max(event.speech_duration for event in found if event.type is INFERRED)


@pytest.mark.parametrize("floor", [True, False])
def test_silence_is_not_counted_as_voice(floor: bool) -> None:
    """Eight windows of voice are eight, however long the end takes to be certain."""
    assert longest(told("xxxxxxxx........", floor=floor)) == pytest.approx(8 * WINDOW)


def test_over_the_agent_s_words_a_short_voice_is_over_soon() -> None:
    """After a tenth of a second; and it is not ended twice."""
    found = told("xxxxxx........", floor=True)
    assert edges(found) == [START, END]
    assert found.index(next(e for e in found if e.type is END)) < 12


def test_when_it_is_the_caller_s_turn_the_end_is_the_model_s() -> None:
    """A short word may be the beginning of a sentence."""
    found = told("xxxxxx.......", floor=False)
    assert edges(found) == [START]


def test_a_voice_that_goes_on_begins_again() -> None:
    """With its own duration, so that two murmurs do not add up to an interruption."""
    found = told("xxxxxx....xxxxxxxx........", floor=True)
    assert edges(found) == [START, END, START, END]
    assert longest(found) == pytest.approx(8 * WINDOW, abs=WINDOW)


def test_a_long_voice_ends_as_the_model_says() -> None:
    """Who speaks for longer than one murmurs may breathe."""
    assert edges(told("x" * 40 + "....", floor=True)) == [START]
    assert edges(told("x" * 40 + "........", floor=True)) == [START, END]


def test_what_may_be_a_voice_holds_an_answer_back_that_is_due() -> None:
    """A window earlier than the model is sure; and the voice does not begin twice."""
    found = told("..?xxxxxxxx........", due=True)
    assert edges(found) == [START, END]
    assert [event.type for event in found].index(START) == 3


def test_an_answer_goes_out_when_it_was_no_voice() -> None:
    """With the next window, as often as it happens."""
    assert edges(told("..?..??.", due=True)) == [START, END, START, END]


def test_a_sound_holds_an_answer_back_before_it_is_judged() -> None:
    """Once for each answer: where there is always a sound the answer goes out all the same."""
    due = True
    voice = Voice(lambda: False, lambda: due, lambda: False)
    quiet = list(events(".."))

    def window() -> list[vad.VADEventType]:
        return edges([told for event in quiet for told in voice.told(event)])

    assert (window(), edges(list(voice.sounded()))) == ([], [START])
    assert list(voice.sounded()) == []
    assert window() == []  # a voice that has only just begun is none yet
    assert (window(), edges(list(voice.sounded()))) == ([END], [])
    due = False
    assert (window(), list(voice.sounded())) == ([], [])
    due = True
    assert edges(list(voice.sounded())) == [START]


@pytest.mark.parametrize("by_window", [True, False])
def test_an_answer_that_has_just_begun_stops_at_once(by_window: bool) -> None:
    """Its caller goes on and has not heard it; a voice that lasts is not waited for."""
    voice = Voice(lambda: True, lambda: False, lambda: True)
    found = [told for event in events("..") for told in voice.told(event)]
    assert edges(found) == []
    if by_window:
        found = [told for event in events("?") for told in voice.told(event)]
    else:
        found = list(voice.sounded())
    assert edges(found) == [START]
    assert longest(found) > 10


def test_a_sound_that_becomes_a_voice_does_not_end_before_it() -> None:
    """Though the window that it began in had little of it."""
    voice = Voice(lambda: False, lambda: True, lambda: False)
    found = [told for event in events("..") for told in voice.told(event)]
    found += voice.sounded()
    found += [told for event in events(".?xxxxxxxx........") for told in voice.told(event)]
    assert edges(found) == [START, END]


def test_a_sound_during_a_voice_is_part_of_it() -> None:
    """It does not begin twice."""
    voice = Voice(lambda: False, lambda: True, lambda: False)
    for event in events("..xxx"):
        assert list(voice.told(event))
    assert list(voice.sounded()) == []


def test_with_no_answer_due_nothing_begins_before_the_model_is_sure() -> None:
    """A click would cut the wait for the end of a turn."""
    assert edges(told("..?..xxxx........")) == [START, END]
    assert edges(told("..?..", floor=True)) == []


async def test_real_speech_holds_an_answer_back_with_its_first_sounds() -> None:
    """Before the model has judged the window that it begins in."""
    detector = VadFilter(inference.VAD())
    detector.answer_is_due = lambda: True
    stream = detector.stream()
    for piece in (np.zeros(RATE // 2, np.int16), clip("weather").samples[:320]):
        for start in range(0, len(piece), 160):
            frame = piece[start : start + 160].tobytes()
            stream.push_frame(rtc.AudioFrame(frame, RATE, 1, 160))
        if not piece.any():
            await anext(stream)  # the silence was judged
    stream.end_input()
    assert edges([event async for event in stream])[:1] == [START]
    await stream.aclose()


async def test_it_is_known_when_the_last_sound_was() -> None:
    """The patience with the caller is counted from there; silence and steady noise are none."""
    detector = VadFilter(inference.VAD())
    stream = detector.stream()
    stream.push_frame(rtc.AudioFrame(bytes(640), RATE, 1, 320))
    assert detector.sounded_at is None
    loop = asyncio.get_running_loop()
    began = loop.time()
    loud = np.full(320, 3000, np.int16).tobytes()
    stream.push_frame(rtc.AudioFrame(loud, RATE, 1, 320))
    at = detector.sounded_at
    assert at is not None
    assert began <= at <= loop.time()
    stream.push_frame(rtc.AudioFrame(bytes(640), RATE, 1, 320))
    assert detector.sounded_at == at
    await stream.aclose()


class Broken(vad.VAD):
    """Its model fails."""

    def __init__(self) -> None:
        super().__init__(capabilities=vad.VADCapabilities(update_interval=0.032))

    def stream(self) -> vad.VADStream:
        """One that fails with the first frame."""
        return BrokenStream(self)


class BrokenStream(vad.VADStream):
    """See there."""

    async def _main_task(self) -> None:
        async for _ in self._input_ch:
            raise OSError("no model")


async def test_what_the_model_fails_with_is_raised_to_who_listens() -> None:
    """And further sound is refused, as by the framework's own streams."""
    stream = VadFilter(Broken()).stream()
    frame = rtc.AudioFrame(bytes(640), RATE, 1, 320)
    stream.push_frame(frame)
    with pytest.raises(OSError, match="no model"):
        await anext(stream)
    with pytest.raises(RuntimeError, match="closed"):
        stream.push_frame(frame)
    await stream.aclose()


@pytest.mark.parametrize(("name", "at_most"), [("murmured/uh-huh-rms", 0.45), ("weather", 2.2)])
async def test_real_speech_is_as_long_as_it_is(name: str, at_most: float) -> None:
    """With the model that is used."""
    sound = clip(name)
    quiet = np.zeros(RATE // 2, np.int16)
    samples = np.concatenate([quiet, sound.samples, quiet])
    stream = VadFilter(inference.VAD()).stream()
    for start in range(0, len(samples) - 160, 160):
        piece = samples[start : start + 160]
        stream.push_frame(rtc.AudioFrame(piece.tobytes(), RATE, 1, 160))
    stream.end_input()
    found = [event async for event in stream]
    assert sound.seconds * 0.6 < longest(found) < at_most
    assert edges(found) == [START, END]
    await stream.aclose()
