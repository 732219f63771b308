"""Text without words is not sent to speech synthesis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator

import pytest

from agent_runtime.text.words import has_words, spoken_words


@pytest.mark.parametrize(
    "text", ["", "   ", "\U0001f600", "***", "...", "\u2014 !?", '<break time="1s"/>']
)
def test_marks_blanks_emoji_and_tags_are_no_words(text: str) -> None:
    """Nothing of these can be said."""
    assert not has_words(text)


@pytest.mark.parametrize("text", ["a", "7", "\u597d", "<b>a</b>", "100 %", "\u20ac", "\u0e01"])
def test_letters_digits_and_signs_are_words(text: str) -> None:
    """A voice can say these, in any script."""
    assert has_words(text)


class Voice:
    """Records the text that it is given and how that ends."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.ended = self.stopped = False
        self.nothing = 0

    async def speak(self, text: AsyncIterable[str]) -> AsyncIterator[str]:
        """Yield each chunk as a frame."""
        try:
            async for chunk in text:
                self.text.append(chunk)
                yield f"frame of {chunk}"
            self.ended = True
        finally:
            self.stopped = True

    def on_nothing(self) -> None:
        """Count the texts without words."""
        self.nothing += 1

    async def frames(self, *chunks: str) -> list[str]:
        """The frames of an answer that comes in these chunks."""

        async def answer() -> AsyncIterator[str]:
            for chunk in chunks:
                await asyncio.sleep(0)
                yield chunk

        return [frame async for frame in spoken_words(answer(), self.speak, self.on_nothing)]


async def test_a_text_with_words_is_spoken_whole() -> None:
    """What stands before the first word comes with it, and the rest comes as it arrives."""
    voice = Voice()
    frames = await voice.frames("", "\u2026 ", "Well", ", ", "***")
    assert frames == ["frame of \u2026 Well", "frame of , ", "frame of ***"]
    assert (voice.ended, voice.nothing) == (True, 0)


@pytest.mark.parametrize("chunks", [("",), ("***",), (" ", "\U0001f600"), ("!", "?")])
async def test_a_text_without_words_is_not_spoken(chunks: tuple[str, ...]) -> None:
    """The voice gets no text and no end of text, is stopped, and the caller of it learns why."""
    voice = Voice()
    assert await voice.frames(*chunks) == []
    assert (voice.text, voice.ended, voice.stopped, voice.nothing) == ([], False, True, 1)


async def test_no_text_at_all_is_no_answer() -> None:
    """A model that fails before its first token has not answered with nothing."""
    voice = Voice()
    assert await voice.frames() == []
    assert (voice.ended, voice.nothing) == (True, 0)


async def test_a_fault_of_the_voice_is_raised() -> None:
    """An error of speech synthesis reaches the pipeline."""

    async def fail(text: AsyncIterable[str]) -> AsyncIterator[str]:
        async for _ in text:
            raise ConnectionError
        yield ""

    async def answer() -> AsyncIterator[str]:
        yield "Hello"

    with pytest.raises(ConnectionError):
        await anext(spoken_words(answer(), fail, pytest.fail))


async def test_an_interruption_stops_the_voice() -> None:
    """Closing the frames closes those of the voice, before its first frame and after it."""
    for chunks in (("Hello", " there"), ()):
        voice = Voice()

        async def answer(chunks: tuple[str, ...] = chunks) -> AsyncIterator[str]:
            for chunk in chunks:
                yield chunk
            await asyncio.Event().wait()

        frames = spoken_words(answer(), voice.speak, voice.on_nothing)
        waiting = asyncio.ensure_future(anext(frames))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.wait((waiting,))
        await frames.aclose()
        assert voice.stopped
