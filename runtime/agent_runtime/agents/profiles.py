"""The values of each profile. `docs/measurements/` has the measurements behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Final

from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.sections import Profile, TurnOptions
from agent_runtime.text.streaming import TextStreaming

# CPU pressure in percent (the share of time in which a task waits for a CPU) above which that wait costs
# callers more than longer audio frames do. On two cores one call makes 7, two make 17, three 28.
BUSY: Final = 15.0
BUSY_FRAME_MS: Final = 50


@dataclass(frozen=True, slots=True)
class Pace:
    """How the pipeline of one call is set. Times are seconds, unless a name says milliseconds.

    A field of the same name in `TurnOptions` is stronger than the profile's value.
    """

    # Length of the audio frames that go to speech recognition: shorter is sooner, and costs CPU time.
    frame_ms: int
    # Raise a quiet caller's voice (WebRTC's gain control); costs 2 to 3 ms of CPU a second.
    gain_control: bool
    text_streaming: TextStreaming
    # The agent answers after this much silence at the earliest, and at the latest.
    min_delay: float
    max_delay: float
    # In between, where the turn detector is not sure; voice/turns/endpointing.py explains the pairs.
    endpointing_steps: tuple[tuple[float, float], ...]
    # Synthesise the answer into a buffer before the end of the turn is certain.
    early_speech: bool
    # Take interim transcripts that look complete for preflights, so that preemptive generation starts
    # before the transcript is final; the registered field is `turnDetectionConfig.speculation`.
    preflights: bool
    # Seconds of the caller's speech, and words, that make the agent stop.
    interrupt_after: float
    interrupt_words: int


_BALANCED: Final = Pace(
    frame_ms=20,
    gain_control=True,
    text_streaming=TextStreaming.CLAUSES,
    min_delay=0.0,
    max_delay=1.8,
    endpointing_steps=((1.4, 0.5), (1.0, 0.9), (0.7, 1.15)),
    early_speech=True,
    preflights=False,
    interrupt_after=0.25,
    interrupt_words=0,
)
PACES: Final[Mapping[Profile, Pace]] = {
    Profile.FAST: replace(
        _BALANCED,
        text_streaming=TextStreaming.WORDS,
        max_delay=1.2,
        endpointing_steps=((1.0, 0.0), (0.7, 0.7)),
        preflights=True,
    ),
    Profile.BALANCED: _BALANCED,
    Profile.DENSE: replace(
        _BALANCED,
        frame_ms=BUSY_FRAME_MS,
        gain_control=False,
        text_streaming=TextStreaming.SENTENCES,
        early_speech=False,
    ),
}

# Turn detection without a model knows a pause from an end by its length alone, so it has to wait for that
# length. Half a second is the framework's default.
WITHOUT_MODEL: Final = ("vad", "stt")
WITHOUT_MODEL_DELAY: Final = 0.5
_SET_BY_AGENTS: Final = {field.name for field in fields(Pace)} & TurnOptions.model_fields.keys()


def pace_of(config: AgentConfig, default: Profile, pressure: float | None = None) -> Pace:
    """The values that the agent sets itself, else those of its profile, else those of `default`.

    `pressure` is the machine's CPU pressure when the call begins, in percent; None where it is not known.
    """
    turns = config.turns
    own = {name: getattr(turns, name) for name in _SET_BY_AGENTS}
    own["text_streaming"] = config.tts_config.text_streaming
    pace = PACES[turns.profile or default]
    if pressure is not None and pressure > BUSY:
        pace = replace(pace, frame_ms=BUSY_FRAME_MS)
    if turns.provider in WITHOUT_MODEL:
        pace = replace(pace, min_delay=WITHOUT_MODEL_DELAY)
    return replace(pace, **{name: value for name, value in own.items() if value is not None})
