"""Markdown is removed from the language model's text before it is spoken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from livekit.agents.voice.transcription.filters import filter_markdown

from agent_runtime.text.markdown import without_markdown


async def each(*chunks: str) -> AsyncIterator[str]:
    """Yield chunks as a language model does."""
    for chunk in chunks:
        yield chunk


@pytest.mark.parametrize(
    "chunks",
    [
        ("It", " will", " be", " mild."),
        ("It", " is", " **very**", " mild", "."),
        ("**Very**", " mild"),
        ("Two", " times", " *", " three", " is", " six"),
        ("Here:\n", "- one\n", "- two"),
        ("- one", "\n- two"),
        ("Five", " -", " three", " is", " two"),
        ("See", " [our", " page](https://example.org)", " for", " more"),
        ("# Title\n", "Text"),
        ("Use", " `pip`", " and", " ~~nothing~~", " more"),
        (" ", "- one"),
        ("",),
    ],
)
async def test_the_text_equals_that_of_livekit_s_filter(chunks: tuple[str, ...]) -> None:
    """For every input the filtered text is the same as LiveKit's, apart from outer spaces."""
    ours = "".join([chunk async for chunk in without_markdown(each(*chunks))])
    theirs = "".join([chunk async for chunk in filter_markdown(each(*chunks))])
    assert ours.strip() == theirs.strip()


async def test_a_plain_word_does_not_wait_for_the_next() -> None:
    """A word without markup passes before the next one arrives; LiveKit's filter would hold it."""
    more = asyncio.Event()

    async def text() -> AsyncIterator[str]:
        yield "Hello"
        await more.wait()

    async with asyncio.timeout(1):
        assert await anext(aiter(without_markdown(text()))) == "Hello"
