"""Cuts a language model's text into chunks for speech synthesis.

LiveKit hands over whole sentences. At 20 ms a token its first sentence costs the caller 150 ms and more
before synthesis begins. The caller waits for the first chunk of an answer only, so that one is small.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from typing import Final

from livekit.agents.tokenize import SentenceStream, SentenceTokenizer, TokenData
from livekit.agents.utils import shortuuid

from agent_runtime.text.markup import without_tags
from agent_runtime.text.punctuation import (
    CLAUSE_MARKS,
    CLOSING,
    EAST_ASIAN,
    SENTENCE_MARKS,
    SOUTH_EAST_ASIAN,
    UNSPACED,
    ends_clause,
    ends_sentence,
)
from agent_runtime.text.streaming import TextStreaming
from agent_runtime.text.units import Unit, UnitReader

# Fewest words before a comma that are worth a chunk of their own.
CLAUSE_WORDS: Final = 5
# Seconds that a voice takes for a word, at least: estimates how long the chunks sent so far keep it busy.
SECONDS_PER_WORD: Final = 0.3
# Words that a letter counts for, at least, in scripts without spaces: a Chinese or Japanese letter is a
# syllable, Thai and its neighbours write a syllable with several.
EAST_ASIAN_WORDS: Final = 0.4
SOUTH_EAST_ASIAN_WORDS: Final = 0.2
# Seconds that a speech service takes to start the next chunk: it must be sent this long before the voice
# has finished the previous one.
START_SECONDS: Final = 0.25

_EAST_ASIAN: Final = re.compile(f"[{EAST_ASIAN}]")
_SOUTH_EAST_ASIAN: Final = re.compile(f"[{SOUTH_EAST_ASIAN}]")
_UNSPACED: Final = re.compile(f"[{UNSPACED}{re.escape(SENTENCE_MARKS + CLAUSE_MARKS)}]")

Clock = Callable[[], float]


class ChunkTokenizer(SentenceTokenizer):
    """Cuts text between words, or after marks where the script has no spaces. `clock` returns seconds.

    It is a `SentenceTokenizer` so that plugins add no buffer of their own: only for this kind of tokenizer
    does Cartesia's plugin ask its service to speak each chunk at once (`max_buffer_delay_ms` 0).
    """

    def __init__(self, streaming: TextStreaming, clock: Clock = time.monotonic) -> None:
        self._streaming = streaming
        self._clock = clock

    def tokenize(self, text: str, *, language: str | None = None) -> list[str]:  # noqa: ARG002 - theirs
        """Return all chunks of a complete text."""
        chunker = Chunker(self._streaming, lambda: 0.0)
        return [*chunker.push(text), *chunker.end()]

    def stream(self, *, language: str | None = None) -> SentenceStream:  # noqa: ARG002 - theirs
        """Return a stream for one answer; its first chunk is small."""
        return _ChunkStream(Chunker(self._streaming, self._clock))


class _ChunkStream(SentenceStream):
    def __init__(self, chunker: Chunker) -> None:
        super().__init__()
        self._chunker = chunker
        self._segment = shortuuid()

    def push_text(self, text: str) -> None:
        self._check_not_closed()
        self._send(self._chunker.push(text))

    def flush(self) -> None:
        self._check_not_closed()
        self._send(self._chunker.end())

    def end_input(self) -> None:
        self.flush()
        self._do_close()

    async def aclose(self) -> None:
        self._do_close()

    def _send(self, chunks: list[str]) -> None:
        for chunk in chunks:
            self._event_ch.send_nowait(TokenData(token=chunk, segment_id=self._segment))


class Chunker:
    """Takes text as it arrives and returns chunks of whole units, which `units.py` finds."""

    def __init__(self, streaming: TextStreaming, clock: Clock) -> None:
        self._streaming = streaming
        self._clock = clock
        self._units = UnitReader()
        self._pending = ""
        self._is_spaced = False  # a space follows what is pending
        self._spoken_until: float | None = None  # by the clock; None before the first chunk

    def push(self, text: str) -> list[str]:
        """Return the chunks that `text` completes."""
        return self._chunks(self._units.push(text))

    def end(self) -> list[str]:
        """Return the rest; the next text begins a new answer."""
        chunks = self._chunks(self._units.end())
        if self._pending:
            chunks.append(self._take())
        self._spoken_until = None
        return chunks

    def _chunks(self, units: Iterable[Unit]) -> list[str]:
        chunks: list[str] = []
        for text, spaced in units:
            if text:
                self._pending += f" {text}" if self._is_spaced and self._pending else text
            self._is_spaced = spaced
            if text and self._ends_chunk(text):
                chunks.append(self._take())
        return chunks

    def _take(self) -> str:
        now = self._clock()
        begins = max(now, self._spoken_until or now)
        self._spoken_until = begins + length_in_words(self._pending) * SECONDS_PER_WORD
        chunk, self._pending = self._pending, ""
        return chunk

    def _ends_chunk(self, unit: str) -> bool:
        last = without_tags(unit)
        if not any(map(str.isalnum, last)):
            return False  # a tag, or a mark that came late, goes with the words after it
        if self._streaming is TextStreaming.WORDS:
            return True
        if ends_sentence(last):
            # A sentence of one word is not cut: it may be a title, as in "Dr. Jones".
            return length_in_words(self._pending) > 1 or last.rstrip(CLOSING)[-1:] in SENTENCE_MARKS
        if self._spoken_until is None or self._clock() > self._spoken_until - START_SECONDS:
            # The caller waits, or soon would: send what is there. The service takes in text that arrives
            # while the voice starts.
            return True
        return ends_clause(last) and length_in_words(self._pending) >= CLAUSE_WORDS


def length_in_words(text: str) -> float:
    """The words of the text; letters of scripts without spaces between words count as parts of one."""
    text = without_tags(text)
    east, south_east = len(_EAST_ASIAN.findall(text)), len(_SOUTH_EAST_ASIAN.findall(text))
    if not east and not south_east:
        return len(text.split())
    spaced = len(_UNSPACED.sub(" ", text).split())
    return spaced + east * EAST_ASIAN_WORDS + south_east * SOUTH_EAST_ASIAN_WORDS
