"""Whether a text holds anything that a voice can say."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from typing import Final, TypeVar

from agent_runtime.text.markup import without_tags

_SIGNS: Final = "%&+=@"  # signs that voices read out; so do they with those of currencies

FrameT = TypeVar("FrameT")
Speak = Callable[[AsyncIterable[str]], AsyncIterator[FrameT]]


def has_words(text: str) -> bool:
    """Whether the text has a letter, a digit or a sign that is read out, outside of tags."""
    return any(
        char.isalnum() or char in _SIGNS or unicodedata.category(char) == "Sc"
        for char in without_tags(text)
    )


async def spoken_words(
    text: AsyncIterable[str], speak: Speak[FrameT], on_nothing: Callable[[], None]
) -> AsyncGenerator[FrameT, None]:
    """Yield what `speak` makes of the text; of a text without words, nothing.

    `speak` starts at once, so that it connects while the text is on its way. It is stopped before the end
    of a text without words, since services take a text of blanks or marks for a fault. Then `on_nothing`
    is called, unless there was no text at all: that is a failure, and no answer.
    """
    nothing = asyncio.Event()
    frames = aiter(speak(_from_first_word(text, nothing, on_nothing)))
    waiting = asyncio.ensure_future(nothing.wait())
    first = asyncio.ensure_future(_next(frames))
    try:
        await asyncio.wait((first, waiting), return_when=asyncio.FIRST_COMPLETED)
        if not first.done():
            return
        if (frame := first.result()) is not None:
            yield frame
            async for frame in frames:
                yield frame
    finally:
        waiting.cancel()
        if not first.done():
            first.cancel()
            await asyncio.wait((first,))
        if (close := getattr(frames, "aclose", None)) is not None:
            await close()


async def _next(frames: AsyncIterator[FrameT]) -> FrameT | None:
    return await anext(frames, None)


async def _from_first_word(
    text: AsyncIterable[str], nothing: asyncio.Event, on_nothing: Callable[[], None]
) -> AsyncIterator[str]:
    """Yield the text as it comes, from its first word on, with what stands before that."""
    held = ""
    is_empty, is_spoken = True, False
    async for chunk in text:
        is_empty = False
        if is_spoken:
            yield chunk
        elif has_words(held := held + chunk):
            is_spoken = True
            yield held
    if not is_empty and not is_spoken:
        on_nothing()
        nothing.set()
        await (
            asyncio.Event().wait()
        )  # until the caller of this stops: to end would send an empty text
