"""Answers begun before the transcript is final.

The framework prepares an answer when a speech-to-text service sends a "preflight" transcript: one that
it takes for complete. Deepgram's live API sends none. An interim transcript that looks complete serves as
one: if the final says the same, the answer is there earlier; if not, the framework throws it away.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import replace
from typing import Final

from livekit.agents import stt

from agent_runtime.text.punctuation import ends_sentence

# Requests to the language model in a turn that may be thrown away; the framework counts them.
MOST_TRIES: Final = 2
FEWEST_WORDS: Final = 2

_NOT_WORDS: Final = re.compile(r"[^\w\s]+")


async def with_preflights(
    events: AsyncIterable[stt.SpeechEvent],
) -> AsyncIterator[stt.SpeechEvent]:
    """The same events, and a preflight after each interim transcript that looks complete.

    It does when it ends as a sentence does, or when two of them in a row say the same.
    """
    before = tried = ""
    async for event in events:
        yield event
        if event.type is stt.SpeechEventType.FINAL_TRANSCRIPT:
            before = tried = ""
        if event.type is not stt.SpeechEventType.INTERIM_TRANSCRIPT or not event.alternatives:
            continue
        text = event.alternatives[0].text.strip()
        words = _NOT_WORDS.sub("", text).lower().split()
        same = " ".join(words)
        looks_complete = ends_sentence(text) or same == before
        before = same
        if looks_complete and len(words) >= FEWEST_WORDS and same != tried:
            tried = same
            yield replace(event, type=stt.SpeechEventType.PREFLIGHT_TRANSCRIPT)
