"""Backchannels over the agent's speech are no turns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from livekit.agents import LanguageCode, stt
from livekit.agents.voice import SpeechHandle

from agent_runtime.voice.turns.backchannel import BackchannelFilter, is_backchannel
from agent_runtime.voice.turns.floor import Floor

from .talking import Talk

FINAL = stt.SpeechEventType.FINAL_TRANSCRIPT
INTERIM = stt.SpeechEventType.INTERIM_TRANSCRIPT


def said(kind: stt.SpeechEventType, text: str) -> stt.SpeechEvent:
    """One transcript."""
    data = stt.SpeechData(language=LanguageCode("en"), text=text)
    return stt.SpeechEvent(type=kind, alternatives=[data])


def filter_of(talk: Talk) -> BackchannelFilter:
    """The filter of a session."""
    floor = Floor()
    floor.listen_to(talk)
    return BackchannelFilter(talk, floor)


async def passed(talk: Talk, *events: stt.SpeechEvent) -> list[str]:
    """The texts that the filter lets pass."""

    async def each() -> AsyncIterator[stt.SpeechEvent]:
        for event in events:
            yield event

    return [event.alternatives[0].text async for event in filter_of(talk).filter(each())]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mhm.", True),
        ("Uh-huh, yeah.", True),
        ("Okay!", True),
        ("Stop.", False),
        ("No.", False),
        ("Yeah, but when?", False),
        ("", False),
    ],
)
def test_only_words_that_request_nothing_are_a_backchannel(text: str, expected: bool) -> None:
    """A text is a backchannel when all its words are; an empty text, a "no" or a question is none."""
    assert is_backchannel(text) is expected


async def test_over_the_agent_s_speech_backchannels_are_dropped() -> None:
    """While the agent speaks, interim and final backchannels are dropped and other words pass."""
    talk = Talk()
    talk.speaks()
    assert await passed(talk, said(INTERIM, "Mhm"), said(FINAL, "Mhm."), said(FINAL, "Stop.")) == [
        "Stop."
    ]


async def test_while_the_agent_pauses_for_a_voice_backchannels_are_dropped() -> None:
    """An agent that paused for "Okay." goes on instead of answering it."""
    talk = Talk()
    talk.speaks()
    talk.state = "listening"
    assert await passed(talk, said(FINAL, "Okay.")) == []


async def test_on_the_caller_s_turn_everything_passes() -> None:
    """When the caller has the floor "Okay." passes: it answers most questions."""
    assert await passed(Talk(), said(FINAL, "Okay.")) == ["Okay."]


@pytest.mark.parametrize(("interrupted", "expected"), [(False, ["Yeah."]), (True, [])])
async def test_a_backchannel_just_before_the_agent_s_end_was_the_answer(
    interrupted: bool, expected: list[str]
) -> None:
    """A final "Yeah." passes when the agent ends within a second of it, uninterrupted."""
    talk = Talk()
    backchannels = filter_of(talk)
    speech = talk.speaks()
    over = asyncio.Event()

    async def events() -> AsyncIterator[stt.SpeechEvent]:
        yield said(FINAL, "Yeah.")
        if interrupted:
            speech.interrupt()
        cast("Any", speech)._mark_done()
        await asyncio.sleep(0)
        over.set()
        yield said(INTERIM, "Please book it")

    texts = [event.alternatives[0].text async for event in backchannels.filter(events())]
    assert over.is_set()
    assert texts == [*expected, "Please book it"]


@pytest.mark.parametrize("state", ["listening", "thinking"])
async def test_an_unheard_answer_is_interrupted_before_more_words_of_the_caller_pass(
    state: str,
) -> None:
    """An answer that is paused or due ends first: the framework prepares no other one beside it."""
    talk = Talk()
    speech = talk.speaks()
    talk.state = state

    async def events() -> AsyncIterator[stt.SpeechEvent]:
        yield said(FINAL, "On Sunday, please.")

    async for _ in filter_of(talk).filter(events()):
        assert speech.interrupted


@pytest.mark.parametrize(
    ("state", "event"),
    [
        ("speaking", said(FINAL, "No, stop.")),
        ("thinking", said(INTERIM, "On")),
        ("listening", said(FINAL, "Mhm.")),
    ],
)
async def test_nothing_else_interrupts(state: str, event: stt.SpeechEvent) -> None:
    """The filter interrupts no audible speech, and nothing for a backchannel or an interim transcript."""
    talk = Talk()
    speech = talk.speaks()
    talk.state = state
    await passed(talk, event)
    assert not speech.interrupted


async def test_a_speech_that_may_not_be_interrupted_is_not() -> None:
    """The caller's words pass, and an answer that forbids interruptions goes on."""
    talk = Talk()
    talk.speech, talk.state = SpeechHandle.create(allow_interruptions=False), "thinking"
    assert await passed(talk, said(FINAL, "No.")) == ["No."]
    assert not talk.speech.interrupted
