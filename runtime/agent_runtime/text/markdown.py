"""Removes Markdown from a language model's text before it is spoken.

LiveKit's filter holds each word back until the next one arrives, in case it is markup. Nearly all that an
agent says is plain text, which passes here without waiting.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, AsyncIterator
from typing import Final

from livekit.agents.voice.transcription.filters import filter_markdown

_MARKUP: Final = re.compile(r"[*_`~\[\n]")
_LINE_MARKUP: Final = re.compile(r"\s*[-+>#]")
# A zero-width space: keeps LiveKit's filter from taking the middle of a line for its beginning.
_MID_LINE: Final = "\u200b"


async def without_markdown(text: AsyncIterable[str]) -> AsyncIterator[str]:
    """Yield the text that LiveKit's filter would yield, without its delay until the first markup."""
    chunks = aiter(text)
    began = False
    async for chunk in chunks:
        if _MARKUP.search(chunk) or (not began and _LINE_MARKUP.match(chunk)):
            first = f"{_MID_LINE}{chunk}" if began else chunk
            async for plain in filter_markdown(_prepend(first, chunks)):
                yield plain.replace(_MID_LINE, "")
            return
        began = began or bool(chunk.strip())
        yield chunk


async def _prepend(first: str, rest: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    async for chunk in rest:
        yield chunk
