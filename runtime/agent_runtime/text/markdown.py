"""What of a language model's text is spoken.

The framework's Markdown filter holds each word back until the next one is there, in case markup comes.
Plain text, which is nearly all that an agent says, need not wait.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, AsyncIterator
from typing import Final

from livekit.agents.voice.transcription.filters import filter_markdown

_MARKUP: Final = re.compile(r"[*_`~\[\n]")
_MARKUP_OF_A_LINE: Final = re.compile(r"\s*[-+>#]")
# Keeps the filter from taking the middle of a line for its beginning; has no width and no meaning.
_MID_LINE: Final = "\u200b"


async def without_markdown(text: AsyncIterable[str]) -> AsyncIterator[str]:
    """The same text as the framework's filter gives, sooner while there is no markup in it."""
    chunks = aiter(text)
    began = False
    async for chunk in chunks:
        if _MARKUP.search(chunk) or (not began and _MARKUP_OF_A_LINE.match(chunk)):
            first = f"{_MID_LINE}{chunk}" if began else chunk
            async for plain in filter_markdown(_and_then(first, chunks)):
                yield plain.replace(_MID_LINE, "")
            return
        began = began or bool(chunk.strip())
        yield chunk


async def _and_then(first: str, rest: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    async for chunk in rest:
        yield chunk
