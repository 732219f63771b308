"""What a profile means for the pipeline. `docs/latency.md` has the figures behind each value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from agent_runtime.agents.model import AgentConfig, Profile
from agent_runtime.text.streaming import TextStreaming

# On a machine in which tasks wait for a CPU more than this share of the time, in percent, waiting costs
# callers more than longer pieces of sound do. One call on two cores makes 7, two make 17, three 28.
BUSY: Final = 15.0
BUSY_FRAME_MS: Final = 50


@dataclass(frozen=True, slots=True)
class Pace:
    """How the pipeline of one call is set. Seconds, except where a name says milliseconds."""

    # Sound of the caller goes on in pieces of this length: shorter is sooner, and costs processor time.
    frame_ms: int
    # Raise a quiet caller's voice; costs 2 to 3 ms of a CPU a second.
    gain_control: bool
    text_streaming: TextStreaming
    # Silence after which the agent may answer at the earliest, and answers in any case.
    min_delay: float
    max_delay: float
    # And between the two when the turn detector is not sure; see voice/turns/endpointing.py.
    endpointing_steps: tuple[tuple[float, float], ...]
    # Speak the answer into a buffer before the end of the turn is certain.
    early_speech: bool
    # Take interim transcripts that look complete for preflights, so that preemptive generation starts
    # before the transcript is final; the registered field is `turnDetectionConfig.speculation`.
    preflights: bool
    # Speech of the caller that makes the agent stop.
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

# Detection that tells a pause from an end by its length alone has to wait for that length.
WITHOUT_MODEL: Final = ("vad", "stt")
WITHOUT_MODEL_DELAY: Final = 0.5


def pace_of(config: AgentConfig, default: Profile, pressure: float | None = None) -> Pace:
    """The agent's profile, else `default`, with what the agent sets itself.

    `pressure` is the machine's when the call begins, in percent; None where it is not known.
    """
    turns = config.turns
    own: dict[str, Any] = {
        "text_streaming": config.text_streaming,
        "min_delay": turns.min_delay,
        "max_delay": turns.max_delay,
        "preflights": turns.speculation,
        "interrupt_after": turns.interrupt_after,
        "interrupt_words": turns.interrupt_words,
    }
    given = {name: value for name, value in own.items() if value is not None}
    pace = PACES[turns.profile or default]
    if pressure is not None and pressure > BUSY:
        pace = replace(pace, frame_ms=BUSY_FRAME_MS)
    if turns.detection in WITHOUT_MODEL:
        pace = replace(pace, min_delay=WITHOUT_MODEL_DELAY)
    return replace(pace, **given)
