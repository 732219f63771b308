"""Whole sentences, as LiveKit's tokenizer finds them, with tags that stay whole.

LiveKit's own option for tags (`xml_aware`) takes any `<` for the beginning of one and holds the rest of the
answer back for it.
"""

from __future__ import annotations

from livekit.agents.tokenize import SentenceStream, SentenceTokenizer, TokenData, blingfire

from agent_runtime.text.markup import may_become_tag


class WholeTagSentences(SentenceTokenizer):
    """Cuts text between sentences, and never inside a tag."""

    def __init__(self) -> None:
        self._inner = blingfire.SentenceTokenizer()

    def tokenize(self, text: str, *, language: str | None = None) -> list[str]:
        """Return all sentences of a complete text."""
        found: list[str] = []
        for sentence in self._inner.tokenize(text, language=language):
            if found and _is_open(found[-1]):
                found[-1] += f" {sentence}"
            else:
                found.append(sentence)
        return found

    def stream(self, *, language: str | None = None) -> SentenceStream:
        """Return a stream for one answer."""
        return _Stream(self._inner.stream(language=language))


class _Stream(SentenceStream):
    def __init__(self, inner: SentenceStream) -> None:
        super().__init__()
        self._inner = inner
        self._next: TokenData | None = None

    @property
    def closed(self) -> bool:
        return self._inner.closed

    def push_text(self, text: str) -> None:
        self._inner.push_text(text)

    def flush(self) -> None:
        self._inner.flush()

    def end_input(self) -> None:
        self._inner.end_input()

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def __anext__(self) -> TokenData:
        held, self._next = self._next, None
        while held is None or _is_open(held.token):
            found = await anext(self._inner, None)
            if found is None:
                if held is None:
                    raise StopAsyncIteration
                return held
            if held is None:
                held = found
            elif found.segment_id != held.segment_id:
                self._next = found  # of the next answer
                return held
            else:
                held = TokenData(token=f"{held.token} {found.token}", segment_id=held.segment_id)
        return held


def _is_open(sentence: str) -> bool:
    """Whether the sentence ends within a tag."""
    at = sentence.rfind("<")
    return at >= 0 and may_become_tag(sentence, at)
