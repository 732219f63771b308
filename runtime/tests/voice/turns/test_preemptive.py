"""Interim transcripts that become preflights, from which an answer may start."""

from __future__ import annotations

from collections.abc import AsyncIterator

from livekit.agents import LanguageCode, stt

from agent_runtime.voice.turns.preemptive import with_preflights

INTERIM = stt.SpeechEventType.INTERIM_TRANSCRIPT
FINAL = stt.SpeechEventType.FINAL_TRANSCRIPT
PREFLIGHT = stt.SpeechEventType.PREFLIGHT_TRANSCRIPT


async def preflights(*said: tuple[stt.SpeechEventType, str]) -> list[str]:
    """The texts of the preflights."""

    async def events() -> AsyncIterator[stt.SpeechEvent]:
        for kind, text in said:
            data = stt.SpeechData(language=LanguageCode("en"), text=text)
            yield stt.SpeechEvent(type=kind, alternatives=[data])

    seen = [event async for event in with_preflights(events())]
    assert len([e for e in seen if e.type is not PREFLIGHT]) == len(said)
    return [event.alternatives[0].text for event in seen if event.type is PREFLIGHT]


async def test_a_whole_sentence_is_one_preflight() -> None:
    """An interim transcript that ends like a sentence is a preflight, and its repetition is none."""
    whole = "What time do you open?"
    assert await preflights((INTERIM, "What time"), (INTERIM, whole), (INTERIM, whole)) == [whole]


async def test_repeated_words_are_a_preflight() -> None:
    """Two interim transcripts in a row with the same words are a preflight, without a full stop too."""
    assert await preflights((INTERIM, "book a table"), (INTERIM, "Book a table")) == [
        "Book a table"
    ]


async def test_growing_words_are_no_preflight() -> None:
    """Interim transcripts that still grow are no preflights."""
    assert await preflights((INTERIM, "book"), (INTERIM, "book a"), (INTERIM, "book a table")) == []


async def test_one_word_is_no_preflight() -> None:
    """A transcript of one word is no preflight: "Well." may begin a sentence."""
    assert await preflights((INTERIM, "Well."), (INTERIM, "Well.")) == []


async def test_after_a_final_transcript_the_same_words_are_a_preflight_again() -> None:
    """A final transcript ends the turn, and the next turn's preflights are its own."""
    whole = "What time do you open?"
    assert await preflights((INTERIM, whole), (FINAL, whole), (INTERIM, whole)) == [whole, whole]
