"""Text goes to speech synthesis in chunks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runtime.text.chunker import ChunkTokenizer
from agent_runtime.text.streaming import TextStreaming

ANSWER = (
    "It will be mild and sunny in Paris today, with a light breeze from the west. "
    "Take a coat, just in case!"
)


def tokens(text: str) -> list[str]:
    """Split as a language model does: each word with the space before it."""
    first, *others = text.split(" ")
    return [first, *(f" {word}" for word in others)]


async def chunked(streaming: TextStreaming, chunks: list[str]) -> list[str]:
    """Return the chunks that a stream cuts from `chunks` of a language model."""
    stream = ChunkTokenizer(streaming).stream()
    for chunk in chunks:
        stream.push_text(chunk)
    stream.end_input()
    return [event.token async for event in stream]


async def test_clauses_begin_small_and_go_on_by_clauses_and_sentences() -> None:
    """The first chunk is one word; later a comma after few words does not end a chunk."""
    assert await chunked(TextStreaming.CLAUSES, tokens(ANSWER)) == [
        "It",
        "will be mild and sunny in Paris today,",
        "with a light breeze from the west.",
        "Take a coat, just in case!",
    ]


async def test_a_chunk_is_sent_as_soon_as_the_next_word_begins() -> None:
    """The first chunk waits neither for the end of the answer nor for that of the sentence."""
    stream = ChunkTokenizer(TextStreaming.CLAUSES).stream()
    for chunk in ("It", " will"):
        stream.push_text(chunk)
    assert (await anext(stream)).token == "It"


async def test_a_slow_model_makes_smaller_chunks_and_no_silence() -> None:
    """At a word each 0.25 s every chunk is sent before the previous ones have been spoken."""
    clock = iter(0.25 * tick for tick in range(1000))
    now = [0.0]
    stream = ChunkTokenizer(TextStreaming.CLAUSES, clock=lambda: now[0]).stream()
    sent: list[tuple[float, str]] = []
    for chunk in tokens("It will be mild and sunny in Paris and in most of France for days"):
        now[0] = next(clock)
        stream.push_text(chunk)
        while not stream._event_ch.empty():
            sent.append((now[0], (await anext(stream)).token))
    spoken_until = sent[0][0]
    for at, chunk in sent:
        assert at <= spoken_until
        spoken_until += len(chunk.split()) * 0.3
    assert max(len(chunk.split()) for _, chunk in sent) > 1


async def test_words_come_one_by_one_and_whole() -> None:
    """With `words` every word is a chunk; a word that spans several tokens stays in one piece."""
    assert await chunked(TextStreaming.WORDS, ["Un", "believ", "able", " it", " is", "."]) == [
        "Unbelievable",
        "it",
        "is.",
    ]


async def test_a_title_is_not_the_end_of_a_sentence_at_the_beginning() -> None:
    """An answer that begins with "Dr." is not cut after it."""
    assert (await chunked(TextStreaming.CLAUSES, tokens("Dr. Jones is in.")))[0] == "Dr. Jones"


async def test_a_flush_sends_the_rest() -> None:
    """A flush sends the incomplete word; the text after it is a new answer with a small first chunk."""
    stream = ChunkTokenizer(TextStreaming.CLAUSES).stream()
    stream.push_text("Wait")
    stream.flush()
    stream.push_text("Here it is")
    stream.end_input()
    assert [event.token async for event in stream] == ["Wait", "Here", "it is"]


@pytest.mark.parametrize("streaming", [TextStreaming.WORDS, TextStreaming.CLAUSES])
@given(chunks=st.lists(st.text(alphabet="ab ,.!?\n", max_size=6), max_size=30))
def test_no_word_is_lost_doubled_or_cut(streaming: TextStreaming, chunks: list[str]) -> None:
    """However the text arrives, the words of the chunks are the words of the text, in order."""
    text = "".join(chunks)
    assert " ".join(ChunkTokenizer(streaming).tokenize(text)).split() == text.split()
