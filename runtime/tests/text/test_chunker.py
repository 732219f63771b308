"""Text goes to speech synthesis in chunks."""

# ruff: noqa: RUF001 - the marks of other scripts look like Latin ones

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runtime.text.chunker import Chunker, ChunkTokenizer
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


CHINESE = (
    "好的，我来帮您查询一下明天的天气情况。明天多云转晴，"
    "最高气温二十三度，最低十五度！您还想知道什么？"
)


def chunks_by_character(text: str, streaming: TextStreaming = TextStreaming.CLAUSES) -> list[str]:
    """Cut the text while it arrives character by character, in no time."""
    return chunks_of(list(text), streaming)


def chunks_of(parts: Iterable[str], streaming: TextStreaming) -> list[str]:
    """Cut the text of `parts`, which arrive in no time."""
    chunker = Chunker(streaming, clock=lambda: 0.0)
    return [chunk for part in parts for chunk in chunker.push(part)] + chunker.end()


@pytest.mark.parametrize("streaming", [TextStreaming.WORDS, TextStreaming.CLAUSES])
@pytest.mark.parametrize(
    ("text", "first"),
    [
        (CHINESE, "好的，"),
        ("はい、承知しました。少々お待ちください。", "はい、"),
        ("「はい。」と言いました。", "「はい。"),
        ("你好,我是助手.请问有什么事", "你好,"),
        ("價格為1，000元，謝謝", "價格為1，000元，"),
        ("请看https://example.com/a?b=东京,c，谢谢", "请看https://example.com/a?b=东京,c，"),
        ("สวัสดีครับ ผมช่วยอะไรได้บ้าง", "สวัสดีครับ"),
        ("សួស្តី។ខ្ញុំអាចជួយអ្វី", "សួស្តី။".replace("။", "។")),
        ("မင်္ဂလာပါ၊ ကူညီပါရစေ။", "မင်္ဂလာပါ၊"),
        ("བཀྲ་ཤིས་བདེ་ལེགས།ཁྱེད་རང་", "བཀྲ་ཤིས་བདེ་ལེགས།"),
        ("ሰላም፡ለዓለም።እንዴት", "ሰላም፡"),
    ],
)
def test_the_script_decides_where_the_first_chunk_ends(
    streaming: TextStreaming, text: str, first: str
) -> None:
    """Without a language setting, the first chunk ends at the first mark of the text's own script."""
    assert chunks_by_character(text, streaming)[0] == first


def test_a_chunk_of_chinese_is_sent_as_soon_as_its_mark_is_there() -> None:
    """The mark completes the chunk; nothing of the next clause has to arrive."""
    assert Chunker(TextStreaming.CLAUSES, clock=lambda: 0.0).push("好的，") == ["好的，"]


@pytest.mark.parametrize(
    ("text", "chunks"),
    [
        (
            "کیا آپ ٹھیک ہیں؟ جی ہاں۔ میں ٹھیک ہوں۔",
            ["کیا", "آپ ٹھیک ہیں؟", "جی ہاں۔", "میں ٹھیک ہوں۔"],
        ),
        ("अच्छा है। मैं आपकी मदद करता हूँ।", ["अच्छा", "है।", "मैं आपकी मदद करता हूँ।"]),
        ("Բարև ձեզ։ Ինչպե՞ս եք", ["Բարև", "ձեզ։", "Ինչպե՞ս եք"]),
        (
            "نعم يمكنك أن تأتي غدا صباحا، ثم نتحدث",
            ["نعم", "يمكنك أن تأتي غدا صباحا،", "ثم نتحدث"],
        ),
        ("It costs 3.5 or 1,000 euros.", ["It", "costs 3.5 or 1,000 euros."]),
    ],
)
def test_the_marks_of_other_scripts_end_sentences_and_clauses(text: str, chunks: list[str]) -> None:
    """Arabic, Urdu, Devanagari and Armenian marks count like Latin ones, and numbers stay whole."""
    assert chunks_by_character(text) == chunks


@pytest.mark.parametrize(
    "tag",
    [
        '<break time="1.5s" />',
        "<break time='1.5s'/>",
        "<break time=1.5s />",
        '<phoneme alphabet="ipa" ph="a. b, > c">',
        '<prosody rate="slow" pitch="+2st">',
        "<!-- a note, to nobody. -->",
        '<sub alias="你好，世界。">',
    ],
)
@pytest.mark.parametrize("streaming", [TextStreaming.WORDS, TextStreaming.CLAUSES])
def test_a_tag_is_never_cut(streaming: TextStreaming, tag: str) -> None:
    """A tag that arrives character by character is in one chunk, and no chunk is a tag alone."""
    chunks = chunks_by_character(f"Please hold. {tag} Your code is 7，{tag}好。", streaming)
    assert sum(chunk.count(tag) for chunk in chunks) == 2
    assert tag not in chunks
    assert chunks[0] == "Please"


@pytest.mark.parametrize("text", ["a <b and more words of it", "2 <3 is true", "x <y " + "z" * 300])
def test_an_open_bracket_that_begins_no_tag_holds_no_text_back(text: str) -> None:
    """Text after a `<` goes on by words as soon as it cannot be a tag any more."""
    assert len(chunks_by_character(text, TextStreaming.WORDS)) == len(text.split())


def test_an_endless_tag_holds_back_a_bounded_text() -> None:
    """After 256 characters an open tag counts as text, and its words are cut like any."""
    chunker = Chunker(TextStreaming.WORDS, clock=lambda: 0.0)
    assert not chunker.push('<a b="' + "more " * 40)
    assert "".join(chunker.push("more " * 40)).count("more") > 70


SCRIPTS = st.text(
    alphabet="ab ,.!?\n1２<>/=\"'你好，。？：」かなไทยำ၊་།؟،ہहि।\u0301\ufe0f\u200d\U0001f469\U0001f3fb.-",
    max_size=40,
)
PARTS = st.lists(st.one_of(SCRIPTS, st.just('<break time="1.5s" />'), st.just("<a/>")), max_size=12)


@pytest.mark.parametrize("streaming", [TextStreaming.WORDS, TextStreaming.CLAUSES])
@given(parts=PARTS, data=st.data())
def test_chunks_of_any_script_are_the_text(
    streaming: TextStreaming, parts: list[str], data: st.DataObject
) -> None:
    """Chunks joined are the text but for spaces, no grapheme is cut in two, and no chunk is empty."""
    text = "".join(parts)
    size = data.draw(st.integers(1, 12))
    chunks = chunks_of([text[at : at + size] for at in range(0, len(text), size)], streaming)
    assert "".join("".join(chunks).split()) == "".join(text.split())
    assert all(chunk.strip() for chunk in chunks)


@given(text=SCRIPTS)
def test_no_chunk_of_a_complete_text_cuts_a_character(text: str) -> None:
    """In a text that arrives at once, no chunk begins with what combines with the character before."""
    for chunk in ChunkTokenizer(TextStreaming.WORDS).tokenize(f"a{text}")[1:]:
        assert unicodedata.category(chunk[0])[0] != "M"
        assert chunk[0] not in "\u200d\u0e33\U0001f3fb"
