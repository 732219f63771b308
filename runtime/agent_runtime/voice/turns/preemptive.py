"""Preemptive generation of answers from interim transcripts.

The framework prepares an answer when a speech-to-text service sends a "preflight" transcript: one that
it considers complete. Deepgram's live API sends none. An interim transcript that looks complete serves as
one: if the final transcript is the same, the answer is ready earlier; if not, the framework drops it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import replace
from typing import Final

from livekit.agents import stt

from agent_runtime.text.punctuation import ends_sentence

# Requests to the language model in one turn whose answers may be dropped; the framework counts them.
MAX_PREFLIGHTS: Final = 2
# Words that a transcript needs: a sentence may begin with "Well." as well as end with it.
MIN_WORDS: Final = 2

_NOT_WORDS: Final = re.compile(r"[^\w\s]+")


async def with_preflights(
    events: AsyncIterable[stt.SpeechEvent],
) -> AsyncIterator[stt.SpeechEvent]:
    """Yield `events`, and a preflight transcript after each interim one that looks complete.

    It looks complete when it ends as a sentence does, or when the one before it had the same words.
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
        if looks_complete and len(words) >= MIN_WORDS and same != tried:
            tried = same
            yield replace(event, type=stt.SpeechEventType.PREFLIGHT_TRANSCRIPT)
