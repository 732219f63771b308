"""Gaps in an answer are distinguished from the pauses of the sentence itself."""

import numpy as np
import pytest

from fixtures.speech import ANSWERS, Sound, synthesise
from load.caller_host.gaps import gaps

RATE = 16_000
SENTENCES = [text for name, text in ANSWERS.items() if name != "story"]


def with_gap(sound: Sound, at: float, seconds: float) -> Sound:
    """The sound with `seconds` of silence at its loudest sample near `at` (0 to 1 of its length)."""
    middle, near = int(len(sound.samples) * at), RATE // 8
    around = np.abs(sound.samples[middle - near : middle + near].astype(np.int32))
    place = middle - near + int(around.argmax())
    silence = np.zeros(int(seconds * sound.rate), np.int16)
    return Sound(np.insert(sound.samples, place, silence), sound.rate)


@pytest.mark.parametrize("text", SENTENCES)
def test_an_undisturbed_sentence_has_no_gaps(text: str) -> None:
    """An undisturbed sentence has no gaps, with or without codec noise."""
    sound = synthesise(text, RATE)
    noise = np.random.default_rng(1).normal(0, 20, len(sound.samples))
    noisy = Sound((sound.samples * 0.8 + noise).astype(np.int16), RATE)
    assert gaps(sound, sound) == []
    assert gaps(noisy, sound) == []


@pytest.mark.parametrize("text", SENTENCES)
def test_a_dropout_is_found_with_its_length(text: str) -> None:
    """Each dropout is found with its length, even where an earlier one has shifted it."""
    sound = synthesise(text, RATE)
    found = gaps(with_gap(with_gap(sound, 0.8, 0.12), 0.5, 0.2), sound)
    assert found == pytest.approx([0.2, 0.12], abs=0.05)


def in_pieces(text: str, words: int) -> Sound:
    """The sentence with its first `words` synthesised without the rest, which draws them out."""
    first, rest = text.split()[:words], text.split()[words:]
    pieces = [synthesise(" ".join(piece), RATE).samples for piece in (first, rest)]
    return Sound(np.concatenate(pieces), RATE)


@pytest.mark.parametrize("words", [1, 2, 3])
@pytest.mark.parametrize("text", SENTENCES)
def test_drawn_out_words_are_no_gaps(text: str, words: int) -> None:
    """Words that a voice drew out because it had no further text are no gaps."""
    assert gaps(in_pieces(text, words), synthesise(text, RATE)) == []


@pytest.mark.parametrize("text", SENTENCES)
def test_a_dropout_in_drawn_out_words_is_found(text: str) -> None:
    """A dropout after drawn-out words is found, although all that follows them is late."""
    found = gaps(with_gap(in_pieces(text, 1), 0.7, 0.2), synthesise(text, RATE))
    assert found == pytest.approx([0.2], abs=0.05)


def test_a_short_dropout_is_no_gap() -> None:
    """A dropout of up to 40 ms is not a gap."""
    sound = synthesise(SENTENCES[0], RATE)
    assert gaps(with_gap(sound, 0.5, 0.02), sound) == []


def test_sound_without_any_pause_has_no_gap() -> None:
    """A tone without pauses, silence and an empty sound have no gaps."""
    tone = Sound((8_000 * np.sin(np.arange(RATE) * 0.3)).astype(np.int16), RATE)
    silence = Sound(np.zeros(RATE, np.int16), RATE)
    empty = Sound(np.zeros(0, np.int16), RATE)
    for sound in (tone, silence, empty):
        assert gaps(sound, tone) == gaps(tone, sound) == []
