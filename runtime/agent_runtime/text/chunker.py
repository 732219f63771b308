"""The pieces in which a language model's words go to speech synthesis.

The framework hands over whole sentences. At 20 ms a token its first sentence costs a caller 150 ms and
more before synthesis even begins. Only the first piece of an answer is waited for, so that one is small.
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

# Words before a comma that are worth a piece of their own.
CLAUSE_WORDS: Final = 5
# A voice takes at least this long for a word, and its service this long to begin with the next piece.
SECONDS_A_WORD: Final = 0.3
BEGINS_WITHIN: Final = 0.25

Clock = Callable[[], float]


class ChunkTokenizer(SentenceTokenizer):
    """Cuts text between words. A `SentenceTokenizer`, so that a plugin has nothing buffered behind it.

    Cartesia's plugin asks its service to speak each piece at once (`max_buffer_delay_ms` 0) for this
    kind of tokenizer only.
    """

    def __init__(self, streaming: TextStreaming, clock: Clock = time.monotonic) -> None:
        self._streaming = streaming
        self._clock = clock

    def tokenize(self, text: str, *, language: str | None = None) -> list[str]:  # noqa: ARG002 - theirs
        """All pieces of a whole text."""
        cutter = _Cutter(self._streaming, lambda: 0.0)
        return [*cutter.push(text), *cutter.end()]

    def stream(self, *, language: str | None = None) -> SentenceStream:  # noqa: ARG002 - theirs
        """For one answer, whose first piece is small."""
        return _PieceStream(_Cutter(self._streaming, self._clock))


class _PieceStream(SentenceStream):
    def __init__(self, cutter: _Cutter) -> None:
        super().__init__()
        self._cutter = cutter
        self._segment = shortuuid()

    def push_text(self, text: str) -> None:
        self._check_not_closed()
        self._send(self._cutter.push(text))

    def flush(self) -> None:
        self._check_not_closed()
        self._send(self._cutter.end())

    def end_input(self) -> None:
        self.flush()
        self._do_close()

    async def aclose(self) -> None:
        self._do_close()

    def _send(self, pieces: list[str]) -> None:
        for piece in pieces:
            self._event_ch.send_nowait(TokenData(token=piece, segment_id=self._segment))


class _Cutter:
    """Takes text as it comes and gives pieces of whole words; a word is whole when a space follows."""

    def __init__(self, streaming: TextStreaming, clock: Clock) -> None:
        self._streaming = streaming
        self._clock = clock
        self._words: list[str] = []
        self._rest = ""
        self._spoken_until: float | None = None  # by the clock; None before the first piece

    def push(self, text: str) -> list[str]:
        pieces: list[str] = []
        *whole, self._rest = re.split(r"\s+", self._rest + text)
        for word in filter(None, whole):
            self._words.append(word)
            if self._is_piece():
                pieces.append(self._take())
        return pieces

    def end(self) -> list[str]:
        """What is left; the next text is a new answer."""
        if self._rest:
            self._words.append(self._rest)
            self._rest = ""
        pieces = [self._take()] if self._words else []
        self._spoken_until = None
        return pieces

    def _take(self) -> str:
        now = self._clock()
        piece = " ".join(self._words)
        begins = max(now, self._spoken_until or now)
        self._spoken_until = begins + len(self._words) * SECONDS_A_WORD
        self._words.clear()
        return piece

    def _is_piece(self) -> bool:
        last, count = self._words[-1], len(self._words)
        if self._streaming is TextStreaming.WORDS:
            return True
        if ends_sentence(last):
            # "Dr. Jones" is no end, and a sentence of one word is no sentence to speak.
            return count > 1
        if self._spoken_until is None or self._clock() > self._spoken_until - BEGINS_WITHIN:
            return (
                True  # the caller waits, or soon would; what comes while a voice begins it takes in
            )
        return count >= CLAUSE_WORDS and ends_clause(last)
