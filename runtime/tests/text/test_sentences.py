"""Sentences for speech synthesis keep their tags whole."""

from __future__ import annotations

import pytest

from agent_runtime.text.sentences import WholeTagSentences

TAG = '<sub alias="It is over. We all went home now. Nobody stayed behind there.">'
TEXT = f"This is a first sentence. Here comes {TAG}it</sub> and it goes on. There is one more sentence."


async def streamed(*parts: str) -> list[str]:
    """The sentences of a text that arrives in parts."""
    stream = WholeTagSentences().stream()
    for part in parts:
        stream.push_text(part)
    stream.end_input()
    return [event.token async for event in stream]


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_a_tag_with_sentences_in_it_is_not_cut(size: int) -> None:
    """A tag stays in one sentence, however it arrives, and the text is whole."""
    parts = [TEXT[at : at + size] for at in range(0, len(TEXT), size)]
    sentences = await streamed(*parts)
    assert [TAG in sentence for sentence in sentences].count(True) == 1
    assert " ".join(sentences) == TEXT
    assert len(sentences) == 3
    assert WholeTagSentences().tokenize(TEXT) == sentences


async def test_a_bracket_that_opens_no_tag_holds_nothing_back() -> None:
    """After a `<` that begins no tag the text is cut between sentences as ever."""
    text = "We know that 2 < 3 is true. And that a <b and c is not a tag. That was all of it."
    assert len(await streamed(text)) == 3
