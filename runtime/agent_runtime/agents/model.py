"""What an agent is, whichever form it was written in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from agent_runtime.providers.common.spec import ProviderChoice
from agent_runtime.text.streaming import TextStreaming


class Profile(StrEnum):
    """What the pipeline spends to answer sooner; `voice/profiles.py` says how."""

    FAST = "fast"
    BALANCED = "balanced"
    DENSE = "dense"


@dataclass(frozen=True, slots=True)
class TurnTaking:
    """When the agent speaks, and when it stops. Seconds; None takes the profile's value."""

    vad: str
    detection: str
    interruptions: bool = True
    profile: Profile | None = None  # None takes the worker's setting
    min_delay: float | None = None
    max_delay: float | None = None
    # Ask the language model before the transcript is final.
    speculation: bool | None = None
    # Speech of the caller, in seconds and in words, that makes the agent stop.
    interrupt_after: float | None = None
    interrupt_words: int | None = None


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """One agent. Loaders have checked it: a worker can build a pipeline from it as it is."""

    stt: ProviderChoice
    llm: ProviderChoice
    tts: ProviderChoice
    turns: TurnTaking
    name: str | None = None
    description: str | None = None
    system_prompt: str = ""
    greeting: str | None = None
    greeting_instructions: str | None = None
    text_streaming: TextStreaming | None = None  # None takes the profile's
    temperature: float | None = None
    transcribe: bool = False
    vision: bool = False
    screen_share: bool = False
    languages: tuple[str, ...] = ()
    avatar_model: str | None = None
    max_concurrent_sessions: int | None = None
