"""Murmurs over the agent's words are no turns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from livekit.agents import (
    AgentSession,
    AgentStateChangedEvent,
    LanguageCode,
    SpeechCreatedEvent,
    stt,
)
from livekit.agents.voice import SpeechHandle

from agent_runtime.voice.turns.backchannel import UNHEARD, BackchannelFilter, is_backchannel

FINAL = stt.SpeechEventType.FINAL_TRANSCRIPT
INTERIM = stt.SpeechEventType.INTERIM_TRANSCRIPT


class Floor(AgentSession[None]):
    """A session whose agent speaks, or does not, as the test says."""

    speech: SpeechHandle | None = None
    state: str = "listening"

    @property
    def current_speech(self) -> SpeechHandle | None:
        """What is being said."""
        return self.speech

    @property
    def agent_state(self) -> Any:
        """What the agent does."""
        return self.state

    def interrupt(self, *, force: bool = False) -> asyncio.Future[None]:
        """The agent stops, at once."""
        assert self.speech is not None
        self.speech.interrupt(force=force)
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    def speaks(self) -> SpeechHandle:
        """The agent begins."""
        self.speech, self.state = SpeechHandle.create(), "speaking"
        event = SpeechCreatedEvent(speech_handle=self.speech, user_initiated=False, source="say")
        self.emit("speech_created", event)
        return self.speech


def said(kind: stt.SpeechEventType, text: str) -> stt.SpeechEvent:
    """One transcript."""
    data = stt.SpeechData(language=LanguageCode("en"), text=text)
    return stt.SpeechEvent(type=kind, alternatives=[data])


async def heard(floor: Floor, *events: stt.SpeechEvent) -> list[str]:
    """The texts that count."""

    async def each() -> AsyncIterator[stt.SpeechEvent]:
        for event in events:
            yield event

    return [event.alternatives[0].text async for event in BackchannelFilter(floor).of(each())]


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
def test_what_is_a_murmur(text: str, expected: bool) -> None:
    """Nothing that asks for anything."""
    assert is_backchannel(text) is expected


async def test_over_the_agent_s_words_murmurs_do_not_count() -> None:
    """And words do."""
    floor = Floor()
    floor.speaks()
    assert await heard(floor, said(INTERIM, "Mhm"), said(FINAL, "Mhm."), said(FINAL, "Stop.")) == [
        "Stop."
    ]


async def test_while_the_agent_pauses_for_a_voice_murmurs_do_not_count() -> None:
    """It is to go on, not to answer."""
    floor = Floor()
    floor.speaks()
    floor.state = "listening"
    assert await heard(floor, said(FINAL, "Okay.")) == []


async def test_on_the_caller_s_turn_everything_counts() -> None:
    """To most questions "Okay." is an answer."""
    assert await heard(Floor(), said(FINAL, "Okay.")) == ["Okay."]


@pytest.mark.parametrize(("interrupted", "expected"), [(False, ["Yeah."]), (True, [])])
async def test_a_murmur_just_before_the_agent_s_end_was_the_answer(
    interrupted: bool, expected: list[str]
) -> None:
    """As after "Shall I book it?"; not so when the agent was interrupted."""
    floor = Floor()
    murmurs = BackchannelFilter(floor)
    speech = floor.speaks()
    over = asyncio.Event()

    async def events() -> AsyncIterator[stt.SpeechEvent]:
        yield said(FINAL, "Yeah.")
        if interrupted:
            speech.interrupt()
        cast("Any", speech)._mark_done()
        await asyncio.sleep(0)
        over.set()
        yield said(INTERIM, "Please book it")

    texts = [event.alternatives[0].text async for event in murmurs.of(events())]
    assert over.is_set()
    assert texts == [*expected, "Please book it"]


@pytest.mark.parametrize("state", ["listening", "thinking"])
async def test_what_waits_is_interrupted_before_more_words_of_the_caller_go_on(state: str) -> None:
    """The framework prepares no answer to them while another is under way."""
    floor = Floor()
    speech = floor.speaks()
    floor.state = state

    async def events() -> AsyncIterator[stt.SpeechEvent]:
        yield said(FINAL, "On Sunday, please.")

    async for _ in BackchannelFilter(floor).of(events()):
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
    """A voice over the agent's is for the framework to weigh; murmurs, and words not final, are nothing."""
    floor = Floor()
    speech = floor.speaks()
    floor.state = state
    await heard(floor, event)
    assert not speech.interrupted


async def test_a_speech_that_may_not_be_interrupted_is_not() -> None:
    """As the agent's configuration has it."""
    floor = Floor()
    floor.speech, floor.state = SpeechHandle.create(allow_interruptions=False), "thinking"
    assert await heard(floor, said(FINAL, "No.")) == ["No."]


async def test_an_answer_has_just_begun_while_nobody_can_know() -> None:
    """For a tenth of a second after the agent began to speak, and no longer."""
    floor = Floor()
    murmurs = BackchannelFilter(floor)
    assert not murmurs.answer_has_just_begun()
    floor.state = "speaking"
    floor.emit(
        "agent_state_changed",
        AgentStateChangedEvent(old_state="thinking", new_state="speaking"),
    )
    assert murmurs.answer_has_just_begun()
    await asyncio.sleep(UNHEARD)
    assert not murmurs.answer_has_just_begun()


async def test_an_answer_is_due_until_it_is_heard() -> None:
    """From the end of the caller's turn."""
    floor = Floor()
    murmurs = BackchannelFilter(floor)
    assert not murmurs.answer_is_due()
    speech = floor.speaks()
    assert not murmurs.answer_is_due()
    floor.state = "thinking"
    assert murmurs.answer_is_due()
    speech.interrupt()
    assert not murmurs.answer_is_due()
