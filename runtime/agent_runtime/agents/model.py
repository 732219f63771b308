"""What an agent is, whichever form it was written in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Profile(StrEnum):
    """What the pipeline spends to answer sooner; `voice/profiles.py` says how."""

    FAST = "fast"
    BALANCED = "balanced"
    DENSE = "dense"


class TextStreaming(StrEnum):
    """The pieces in which text goes to speech synthesis: smaller is sooner, larger sounds better."""

    WORDS = "words"
    CLAUSES = "clauses"
    SENTENCES = "sentences"


@dataclass(frozen=True, slots=True)
class ProviderChoice:
    """A provider of one stage; None takes the setting, else the plugin's own default.

    `extra` holds what else stood beside, by the provider's own names. `fallbacks` are asked in their
    order when this one fails; they have none of their own.
    """

    provider: str
    model: str | None = None
    language: str | None = None
    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = None
    voice_id: str | None = None  # of text to speech alone
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)
    fallbacks: tuple[ProviderChoice, ...] = ()


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
