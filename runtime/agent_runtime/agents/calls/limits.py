"""The keys of an agent's configuration that bound a call, and those of its manners beside talking."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, StrictBool

from agent_runtime.agents.fields import Section, Text, WholeNumber, null_is, one_of

# Seconds of the shortest longest call: a greeting, a question and a good-bye fit.
MIN_DURATION: Final = 30
MAX_DURATION: Final = 604_800
# Seconds of silence in which a caller may think.
MIN_SILENCE: Final = 2
MAX_SILENCE: Final = 3600
MAX_PROMPTS: Final = 10


class NoiseCancellation(StrEnum):
    """What takes noise out of the caller's sound."""

    NONE = "none"
    WEBRTC = "webrtc"
    BVC = "bvc"
    BVC_TELEPHONY = "bvctelephony"


class ThinkingSound(StrEnum):
    """What the caller hears while the agent thinks."""

    NONE = "none"
    KEYBOARD = "keyboard"
    MUSIC = "music"


class Phrases(Section):
    """The agent's words at its limits; those that are left out are in the agent's language."""

    still_there: Text = Field(None, description="asks a silent caller whether they are there")
    silence_goodbye: Text = Field(None, description="ends the call of a silent caller")
    duration_goodbye: Text = Field(None, description="ends a call that has reached its duration")
    voicemail_message: Text = Field(None, description="left on a voicemail; else nothing")


class CallLimits(Section):
    """The keys of AgentConfig that this module defines."""

    max_conversation_duration: float | None = Field(
        None,
        ge=MIN_DURATION,
        le=MAX_DURATION,
        description="seconds until the agent says good-bye and ends the call; else `CALL_DURATION`",
    )
    silence_timeout: float | None = Field(
        None,
        ge=MIN_SILENCE,
        le=MAX_SILENCE,
        description="seconds of silence until the agent asks for the caller; else `CALL_SILENCE_TIMEOUT`",
    )
    silence_prompts: Annotated[WholeNumber, null_is(1)] = Field(
        1,
        ge=0,
        le=MAX_PROMPTS,
        description="how often it asks, after as much silence each, before it ends the call; 1",
    )
    max_answer_tokens: WholeNumber | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="most tokens of an answer, unless `llmConfig` says; else `CALL_MAX_ANSWER_TOKENS`",
    )
    phrases: Annotated[Phrases, null_is({})] = Field(
        default_factory=Phrases,
        description="the agent's words at these limits, [below](#limits-of-a-call)",
    )
    chat_enabled: StrictBool | None = Field(
        None, description="whether the caller may write (topic `lk.chat`); only if true"
    )
    noise_cancellation: Annotated[NoiseCancellation | None, one_of(NoiseCancellation)] = Field(
        None,
        description="`webrtc`, `BVC`, `BVCTelephony` or `none`, [below](#noise)",
    )
    thinking_sound: Annotated[ThinkingSound | None, one_of(ThinkingSound)] = Field(
        None,
        description="`keyboard` or `music` while the agent thinks for longer; else nothing",
    )
    voicemail_detection: StrictBool | None = Field(
        None, description="whether a voicemail that answers ends the call; only if true"
    )
