"""Cuts a language model's text into chunks for speech synthesis.

LiveKit hands over whole sentences. At 20 ms a token its first sentence costs the caller 150 ms and more
before synthesis begins. The caller waits for the first chunk of an answer only, so that one is small.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Final

from livekit.agents.tokenize import SentenceStream, SentenceTokenizer, TokenData
from livekit.agents.utils import shortuuid

from agent_runtime.text.punctuation import ends_clause, ends_sentence
from agent_runtime.text.streaming import TextStreaming

# Fewest words before a comma that are worth a chunk of their own.
CLAUSE_WORDS: Final = 5
# Seconds that a voice takes for a word, at least: estimates how long the chunks sent so far keep it busy.
SECONDS_PER_WORD: Final = 0.3
# Seconds that a speech service takes to start the next chunk: it must be sent this long before the voice
# has finished the previous one.
START_SECONDS: Final = 0.25

Clock = Callable[[], float]


class ChunkTokenizer(SentenceTokenizer):
    """Cuts text between words. `clock` returns seconds.

    It is a `SentenceTokenizer` so that plugins add no buffer of their own: only for this kind of tokenizer
    does Cartesia's plugin ask its service to speak each chunk at once (`max_buffer_delay_ms` 0).
    """

    def __init__(self, streaming: TextStreaming, clock: Clock = time.monotonic) -> None:
        self._streaming = streaming
        self._clock = clock

    def tokenize(self, text: str, *, language: str | None = None) -> list[str]:  # noqa: ARG002 - theirs
        """Return all chunks of a complete text."""
        chunker = _Chunker(self._streaming, lambda: 0.0)
        return [*chunker.push(text), *chunker.end()]

    def stream(self, *, language: str | None = None) -> SentenceStream:  # noqa: ARG002 - theirs
        """Return a stream for one answer; its first chunk is small."""
        return _ChunkStream(_Chunker(self._streaming, self._clock))


class _ChunkStream(SentenceStream):
    def __init__(self, chunker: _Chunker) -> None:
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


class _Chunker:
    """Takes text as it arrives and returns chunks of whole words; a space after a word completes it."""

    def __init__(self, streaming: TextStreaming, clock: Clock) -> None:
        self._streaming = streaming
        self._clock = clock
        self._words: list[str] = []
        self._rest = ""
        self._spoken_until: float | None = None  # by the clock; None before the first chunk

    def push(self, text: str) -> list[str]:
        chunks: list[str] = []
        *whole, self._rest = re.split(r"\s+", self._rest + text)
        for word in filter(None, whole):
            self._words.append(word)
            if self._ends_chunk():
                chunks.append(self._take())
        return chunks

    def end(self) -> list[str]:
        """Return the rest; the next text begins a new answer."""
        if self._rest:
            self._words.append(self._rest)
            self._rest = ""
        chunks = [self._take()] if self._words else []
        self._spoken_until = None
        return chunks

    def _take(self) -> str:
        now = self._clock()
        chunk = " ".join(self._words)
        begins = max(now, self._spoken_until or now)
        self._spoken_until = begins + len(self._words) * SECONDS_PER_WORD
        self._words.clear()
        return chunk

    def _ends_chunk(self) -> bool:
        last, count = self._words[-1], len(self._words)
        if self._streaming is TextStreaming.WORDS:
            return True
        if ends_sentence(last):
            # A sentence of one word is not cut: it may be a title, as in "Dr. Jones".
            return count > 1
        if self._spoken_until is None or self._clock() > self._spoken_until - START_SECONDS:
            # The caller waits, or soon would: send what is there. The service takes in text that arrives
            # while the voice starts.
            return True
        return count >= CLAUSE_WORDS and ends_clause(last)
