"""Scenarios: what callers say and which answers they expect, read from YAML and checked before a run."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)

from fixtures.speech import ANSWERS, SENTENCES, Sound, clip
from fixtures.speech.recogniser import unknown_words, words_of
from fixtures.speech.sentences import is_clip, question_of
from load.yaml_file import FileError, read_model

FOLDER: Final = Path(__file__).parent / "scenarios"
RATE: Final = 16_000  # sample rate of the callers' microphones, in Hz


class Strict(BaseModel):
    """A model that rejects unknown keys."""

    # Fields with an alias are also serialised by it, so that a caller host can read them.
    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)


def _is_recognisable(expected: str, info: ValidationInfo) -> str:
    """Raises ValueError for a sentence with words that the callers' speech recognition does not know.

    Only when a file is read (then there is a context): looking up the first word takes a third of a second.
    """
    if info.context is None or sentence(expected) in ANSWERS.values():
        return expected
    words = words_of(expected)
    if not words:
        raise ValueError(f"{expected!r} contains no words; write numbers out")
    if unknown := unknown_words(words):
        raise ValueError(
            f"{unknown[0]!r} is not in the dictionary of the speech recognition, which cannot recognise an "
            "answer with it; write it as words that sound alike, or give the agent another answer"
        )
    return expected


Expected = Annotated[str, AfterValidator(_is_recognisable)]


class Interruption(Strict):
    """The caller talks over the answer, `after` seconds into it, and expects an answer to `say`."""

    say: str
    expect: Expected | None = None
    after: float = Field(default=1.5, gt=0, le=30)


class Backchannels(Strict):
    """Backchannels that the caller says over the agent's answer, one every `every` seconds."""

    say: tuple[str, ...] = Field(min_length=1)
    every: float = Field(default=2.5, gt=0, le=30)


class Turn(Strict):
    """A sentence and its answer, or `silent` seconds in which the agent must not speak.

    `say` is the name of a sentence of `fixtures.speech`, or the path of a WAV file relative to the
    scenario. `expect` is the name of an answer of `fixtures.speech`, or the sentence itself; by default it
    is the answer to `say`. `interrupt` must stop the agent; `murmur`, which comes before it, must not.
    `chance` is the share of calls that have this turn, from 0 to 1.
    """

    say: str | None = None
    expect: Expected | None = None
    silent: float | None = Field(default=None, gt=0, le=60)
    interrupt: Interruption | None = None
    backchannel: Backchannels | None = Field(default=None, alias="murmur")
    chance: float = Field(default=1.0, ge=0, le=1)

    @model_validator(mode="after")
    def _keys_fit_together(self) -> Self:
        if (self.say is None) == (self.silent is None):
            raise ValueError("a turn has either `say` or `silent`")
        if self.silent is not None and (self.interrupt or self.backchannel or self.expect):
            raise ValueError("a silent turn cannot have `interrupt`, `murmur` or `expect`")
        if self.backchannel and not self.interrupt:
            raise ValueError("`murmur` needs `interrupt`, which ends the long answer")
        return self


class Scenario(Strict):
    """One kind of call. All times are seconds."""

    name: str
    agent: str = "receptionist"
    greeting: Expected | None = "greeting"
    greeting_within: float = Field(default=20.0, gt=0, le=120)
    answer_within: float = Field(default=15.0, gt=0, le=120)
    think: tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0)]] = (0.3, 1.0)
    shuffle: bool = False
    turns: tuple[Turn, ...] = Field(min_length=1)
    ending: Literal["end", "leave", "either"] = "either"
    pause_between_calls: float = Field(default=1.0, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _paths_from_the_file(cls, given: Any, info: ValidationInfo) -> Any:
        """Make paths of WAV files absolute, since caller hosts do not know the scenario's folder."""
        folder = (info.context or {}).get("folder")
        if folder is None or not isinstance(given, dict):
            return given
        return _with_absolute_paths(given, Path(folder))

    @model_validator(mode="after")
    def _is_playable(self) -> Self:
        if self.think[0] > self.think[1]:
            raise ValueError("think: the first number must not be larger than the second")
        for said in self.spoken():
            sound_of(said)
        for turn in self.turns:
            for each in (turn, turn.interrupt):
                if each is not None and each.say is not None:
                    expected_after(each.say, each.expect)
        return self

    def spoken(self) -> list[str]:
        """Names or paths of all that callers say."""
        turns = [turn.say for turn in self.turns if turn.say]
        turns += [name for turn in self.turns if turn.backchannel for name in turn.backchannel.say]
        return turns + [turn.interrupt.say for turn in self.turns if turn.interrupt]

    def expected(self) -> list[str]:
        """Every sentence that callers expect to hear."""
        pairs = [(t.say, t.expect) for t in self.turns if t.say is not None]
        pairs += [(t.interrupt.say, t.interrupt.expect) for t in self.turns if t.interrupt]
        sentences = [expected_after(said, expect) for said, expect in pairs]
        return sentences + ([sentence(self.greeting)] if self.greeting else [])


def read_scenario(name_or_path: str) -> Scenario:
    """Read a scenario of this package by its name, or any file by its path. Raises FileError."""
    path = Path(name_or_path)
    if not path.suffix:
        path = FOLDER / f"{name_or_path}.yaml"
        if not path.exists():
            known = ", ".join(sorted(each.stem for each in FOLDER.glob("*.yaml")))
            raise FileError(f"there is no scenario {name_or_path!r}; there are: {known}")
    return read_model(path.resolve(), Scenario)


def sound_of(said: str) -> Sound:
    """The sound of a sentence: 16 kHz, without the silence around it. Raises ValueError."""
    if is_clip(said):
        return clip(said)
    if not said.endswith(".wav"):
        raise ValueError(
            f"{said!r} is neither a WAV file nor one of {', '.join(SENTENCES)}; "
            "hesitations are named paused/QUESTION-VOICE, backchannels murmured/NAME"
        )
    try:
        sound = Sound.read(Path(said))
    except (OSError, EOFError, wave.Error) as error:
        raise ValueError(f"{said} cannot be read: {error}") from error
    if sound.rate != RATE:
        raise ValueError(f"{said} has {sound.rate} Hz; callers speak at {RATE} Hz")
    # The clock of an answer starts at the last sample of speech, so no silence may follow it.
    trimmed = sound.trimmed()
    if not len(trimmed.samples):
        raise ValueError(f"{said} contains only silence")
    return trimmed


def expected_after(said: str, expect: str | None) -> str:
    """The sentence that answers `said`. Raises ValueError when the scenario does not name one."""
    if expect is not None:
        return sentence(expect)
    question = question_of(said)
    if question is not None:
        return ANSWERS[question]
    raise ValueError(f"{said}: a WAV file needs `expect`, the answer to it")


def sentence(name_or_text: str) -> str:
    """An answer of `fixtures.speech` by its name, or the sentence itself."""
    return ANSWERS.get(name_or_text, name_or_text)


def _with_absolute_paths(given: dict[str, Any], folder: Path) -> dict[str, Any]:
    def absolute(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: absolute(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [absolute(each) for each in value]
        if isinstance(value, str) and value.endswith(".wav") and key in ("say", ""):
            return str(folder / value)
        return value

    return {name: absolute(value, str(name)) for name, value in given.items()}
