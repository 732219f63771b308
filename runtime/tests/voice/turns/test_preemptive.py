"""Interim transcripts that may start an answer."""

from __future__ import annotations

from collections.abc import AsyncIterator

from livekit.agents import LanguageCode, stt

from agent_runtime.voice.turns.preemptive import with_preflights

INTERIM = stt.SpeechEventType.INTERIM_TRANSCRIPT
FINAL = stt.SpeechEventType.FINAL_TRANSCRIPT
PREFLIGHT = stt.SpeechEventType.PREFLIGHT_TRANSCRIPT


async def preflights(*said: tuple[stt.SpeechEventType, str]) -> list[str]:
    """The texts that would be tried."""

    async def events() -> AsyncIterator[stt.SpeechEvent]:
        for kind, text in said:
            data = stt.SpeechData(language=LanguageCode("en"), text=text)
            yield stt.SpeechEvent(type=kind, alternatives=[data])

    seen = [event async for event in with_preflights(events())]
    assert len([e for e in seen if e.type is not PREFLIGHT]) == len(said)
    return [event.alternatives[0].text for event in seen if event.type is PREFLIGHT]


async def test_a_sentence_that_looks_whole_is_tried_once() -> None:
    """The same again is the same request: it is not made twice."""
    whole = "What time do you open?"
    assert await preflights((INTERIM, "What time"), (INTERIM, whole), (INTERIM, whole)) == [whole]


async def test_what_stays_the_same_is_tried() -> None:
    """Without a full stop too: the caller has said nothing new."""
    assert await preflights((INTERIM, "book a table"), (INTERIM, "Book a table")) == [
        "Book a table"
    ]


async def test_what_still_grows_is_not_tried() -> None:
    """Words keep coming: no request is spent on them."""
    assert await preflights((INTERIM, "book"), (INTERIM, "book a"), (INTERIM, "book a table")) == []


async def test_one_word_is_not_worth_a_request() -> None:
    """Sentences begin with "Well." as they end with it."""
    assert await preflights((INTERIM, "Well."), (INTERIM, "Well.")) == []


async def test_after_a_final_the_same_words_may_be_tried_again() -> None:
    """The next turn is another question."""
    whole = "What time do you open?"
    assert await preflights((INTERIM, whole), (FINAL, whole), (INTERIM, whole)) == [whole, whole]
