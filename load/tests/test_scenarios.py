"""Scenario files: what is valid, and how errors are reported."""

from pathlib import Path

import numpy as np
import pytest

from fixtures.speech import ANSWERS, Sound
from load.scenario import FOLDER, Scenario, read_scenario, sound_of
from load.yaml_file import FileError

RATE = 16_000


def tone(rate: int = RATE) -> Sound:
    """Half a second of tone, loud enough for speech, with silence on both sides."""
    loud = (8_000 * np.sin(np.arange(rate // 2) * 0.2)).astype(np.int16)
    quiet = np.zeros(rate // 4, np.int16)
    return Sound(np.concatenate([quiet, loud, quiet]), rate)


def scenario(folder: Path, text: str) -> str:
    """The path of a new scenario file with this content."""
    path = folder / "mine.yaml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_scenario_of_the_package_can_be_read(path: Path) -> None:
    """Each file of load/scenarios is read by its name, and survives the way to a caller host as JSON."""
    read = read_scenario(path.stem)
    assert read.name == path.stem
    assert Scenario.model_validate_json(read.model_dump_json()) == read


@pytest.mark.parametrize(
    ("turns", "words"),
    [
        ("[{say: weather, colour: red}]", "turns.0.colour: unknown key"),
        (
            "[{say: weather, interrupt: {say: stop, whem: 1}}]",
            "turns.0.interrupt.whem: unknown key",
        ),
        ("[{say: hello}]", "'hello' is neither a WAV file nor one of weather, opening"),
        ("[{say: weather, silent: 2}]", "a turn has either `say` or `silent`"),
        ("[{silent: 2, expect: weather}]", "a silent turn cannot have"),
        ("[{say: missing.wav, expect: weather}]", "missing.wav cannot be read"),
        ("[{say: weather, chance: 2}]", "turns.0.chance: Input should be less than or equal to 1"),
        ("[]", "turns: Tuple should have at least 1 item"),
        (
            "[{say: weather, expect: The zyxxy is open.}]",
            "turns.0.expect: 'zyxxy' is not in the dictionary of the speech recognition",
        ),
        ("[{say: weather, expect: '42'}]", "turns.0.expect: '42' contains no words"),
        (
            "[{say: story, interrupt: {say: stop, expect: Zyxxy.}}]",
            "turns.0.interrupt.expect: 'zyxxy' is not in the dictionary",
        ),
    ],
)
def test_an_error_names_file_and_place(tmp_path: Path, turns: str, words: str) -> None:
    """The error for an invalid scenario names the file, the place in it, and the fault."""
    path = scenario(tmp_path, f"name: mine\nturns: {turns}\n")
    with pytest.raises(FileError) as caught:
        read_scenario(path)
    assert words in str(caught.value)
    assert path in str(caught.value)


def test_a_greeting_with_an_unknown_word_is_refused(tmp_path: Path) -> None:
    """A greeting with an unknown word is an error: it would break recognition for the whole run."""
    path = scenario(tmp_path, "name: mine\ngreeting: Zyxxy here.\nturns: [{say: weather}]\n")
    with pytest.raises(FileError, match=r"greeting: 'zyxxy' is not in .*write it as words"):
        read_scenario(path)


def test_own_sentences_are_checked_once(tmp_path: Path) -> None:
    """Own sentences are looked up when the file is read, and not again in each caller host."""
    text = "greeting: Good morning.\nturns: [{say: weather, expect: It's nine o'clock.}]\n"
    read = read_scenario(scenario(tmp_path, f"name: mine\n{text}"))
    assert read.greeting == "Good morning."
    assert Scenario.model_validate_json(read.model_dump_json()) == read
    assert Scenario(name="s", greeting="Zyxxy.", turns=read.turns).greeting == "Zyxxy."


def test_an_unknown_scenario_lists_the_known_ones() -> None:
    """The error for an unknown name lists the names of all scenarios."""
    with pytest.raises(FileError, match="there are: interruptions, murmurs, pauses"):
        read_scenario("nope")


def test_a_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    """A file that is not YAML is an error with the parser's message."""
    with pytest.raises(FileError, match="is not YAML"):
        read_scenario(scenario(tmp_path, "name: [\n"))


def test_a_file_of_a_wrong_rate_is_refused(tmp_path: Path) -> None:
    """A WAV file must have 16 kHz, as the caller's microphone; resampling would change the voice."""
    tone(8_000).write(tmp_path / "mine.wav")
    path = scenario(tmp_path, "name: mine\nturns: [{say: mine.wav, expect: weather}]\n")
    with pytest.raises(FileError, match=r"mine.wav has 8000 Hz; callers speak at 16000 Hz"):
        read_scenario(path)


def test_an_own_file_is_found_beside_the_scenario(tmp_path: Path) -> None:
    """A WAV file is found beside its scenario and trimmed: silence at its end would count as delay."""
    tone().write(tmp_path / "mine.wav")
    path = scenario(tmp_path, "name: mine\nturns: [{say: mine.wav, expect: weather}]\n")
    read = read_scenario(path)
    said = read.turns[0].say
    assert said == str(tmp_path / "mine.wav")
    assert sound_of(said).seconds == pytest.approx(0.5, abs=0.01)
    assert ANSWERS["weather"] in read.expected()


def test_an_own_file_needs_an_expected_answer(tmp_path: Path) -> None:
    """A WAV file without `expect` is an error, since no known answer belongs to it."""
    tone().write(tmp_path / "mine.wav")
    with pytest.raises(FileError, match="a WAV file needs `expect`"):
        read_scenario(scenario(tmp_path, "name: mine\nturns: [{say: mine.wav}]\n"))
