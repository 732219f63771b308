"""The pieces of text that go to speech synthesis."""

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
    """As a language model gives them: words with the space before."""
    first, *others = text.split(" ")
    return [first, *(f" {word}" for word in others)]


async def pieces(streaming: TextStreaming, chunks: list[str]) -> list[str]:
    """What a stream makes of chunks."""
    stream = ChunkTokenizer(streaming).stream()
    for chunk in chunks:
        stream.push_text(chunk)
    stream.end_input()
    return [event.token async for event in stream]


async def test_clauses_begin_small_and_go_on_by_clauses_and_sentences() -> None:
    """A word to begin with; later a comma after few words is no end of a piece."""
    assert await pieces(TextStreaming.CLAUSES, tokens(ANSWER)) == [
        "It",
        "will be mild and sunny in Paris today,",
        "with a light breeze from the west.",
        "Take a coat, just in case!",
    ]


async def test_a_piece_is_there_as_soon_as_the_next_word_begins() -> None:
    """Nothing waits for the end of the answer, nor for the end of the sentence."""
    stream = ChunkTokenizer(TextStreaming.CLAUSES).stream()
    for chunk in ("It", " will"):
        stream.push_text(chunk)
    assert (await anext(stream)).token == "It"


async def test_a_slow_model_makes_smaller_pieces_and_no_silence() -> None:
    """A word each 0.25 s: what is there goes out before what was sent has been spoken."""
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
    for at, piece in sent:
        assert at <= spoken_until
        spoken_until += len(piece.split()) * 0.3
    assert max(len(piece.split()) for _, piece in sent) > 1


async def test_words_come_one_by_one_and_whole() -> None:
    """A token that goes on with a word is not a word of its own."""
    assert await pieces(TextStreaming.WORDS, ["Un", "believ", "able", " it", " is", "."]) == [
        "Unbelievable",
        "it",
        "is.",
    ]


async def test_a_title_is_not_the_end_of_a_sentence_at_the_beginning() -> None:
    """An answer that begins with "Dr." is not cut there."""
    assert (await pieces(TextStreaming.CLAUSES, tokens("Dr. Jones is in.")))[0] == "Dr. Jones"


async def test_a_flush_gives_what_is_there() -> None:
    """And what follows is a new answer, with a small piece first."""
    stream = ChunkTokenizer(TextStreaming.CLAUSES).stream()
    stream.push_text("Wait")
    stream.flush()
    stream.push_text("Here it is")
    stream.end_input()
    assert [event.token async for event in stream] == ["Wait", "Here", "it is"]


@pytest.mark.parametrize("streaming", [TextStreaming.WORDS, TextStreaming.CLAUSES])
@given(chunks=st.lists(st.text(alphabet="ab ,.!?\n", max_size=6), max_size=30))
def test_no_word_is_lost_doubled_or_cut(streaming: TextStreaming, chunks: list[str]) -> None:
    """Whatever the chunks: the pieces' words are the text's words, in order."""
    text = "".join(chunks)
    assert " ".join(ChunkTokenizer(streaming).tokenize(text)).split() == text.split()
