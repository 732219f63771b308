"""The objects inside an agent's configuration: providers' settings, turn-taking, servers of its own."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Final, Generic, Literal, TypeVar

from pydantic import AfterValidator, Field, StrictBool

from agent_runtime.agents.fields import (
    NO_EFFECT,
    Language,
    Section,
    WholeNumber,
    null_is,
    one_of,
    provider_of,
)
from agent_runtime.providers.common.spec import Stage
from agent_runtime.providers.registry import DEFAULTS
from agent_runtime.secrecy.signatures import checked as signing_secret
from agent_runtime.text.streaming import TextStreaming

# Fallbacks of one stage. They share the time that a caller may wait in silence with the first provider, so
# each further one leaves less to all.
MAX_FALLBACKS: Final = 2


class Profile(StrEnum):
    """How much the pipeline spends to answer sooner; `profiles.py` has the values of each."""

    FAST = "fast"
    BALANCED = "balanced"
    DENSE = "dense"


class Options(Section):
    """The settings of one provider. Further keys are options of its plugin, by the plugin's own names."""

    stage: ClassVar[Stage]

    model: str | None = None
    language: Language | None = None
    api_key: str | None = Field(None, repr=False)
    base_url: str | None = None


class SttFallback(Options):
    """Speech to text that takes over."""

    stage = Stage.STT
    provider: Annotated[str, provider_of(Stage.STT)] = DEFAULTS[Stage.STT]


class LlmFallback(Options):
    """A language model that takes over."""

    stage = Stage.LLM
    provider: Annotated[str, provider_of(Stage.LLM)] = DEFAULTS[Stage.LLM]
    language: str | None = Field(None, json_schema_extra=NO_EFFECT)


class TtsFallback(Options):
    """Text to speech that takes over. Its voices have names of their own."""

    stage = Stage.TTS
    provider: Annotated[str, provider_of(Stage.TTS)] = DEFAULTS[Stage.TTS]
    voice_id: str | None = None


FallbackT = TypeVar("FallbackT", bound=Options)


class FirstOptions(Options, Generic[FallbackT]):
    """The settings of the provider that is used first, and the fallbacks after it, in their order."""

    fallbacks: Annotated[list[FallbackT], null_is([])] = Field(
        default_factory=list, max_length=MAX_FALLBACKS
    )


class SttOptions(FirstOptions[SttFallback]):
    """Speech to text."""

    stage = Stage.STT


class LlmOptions(FirstOptions[LlmFallback]):
    """The language model."""

    stage = Stage.LLM
    language: str | None = Field(None, json_schema_extra=NO_EFFECT)


class TtsOptions(FirstOptions[TtsFallback]):
    """Text to speech. How text reaches it is the pipeline's business, not the provider's."""

    stage = Stage.TTS
    text_streaming: Annotated[TextStreaming | None, one_of(TextStreaming)] = None


class VadOptions(Section):
    """Voice activity detection."""

    provider: Annotated[str, provider_of(Stage.VAD)] = DEFAULTS[Stage.VAD]


class TurnOptions(Section):
    """When the agent speaks, and when it stops. Where a field is None, the profile decides."""

    provider: Annotated[str, provider_of(Stage.TURN)] = Field(
        DEFAULTS[Stage.TURN], description="what finds the end of the caller's turn"
    )
    profile: Annotated[Profile | None, one_of(Profile)] = Field(
        None, description="`fast`, `balanced` or `dense`; else `WORKER_PROFILE`"
    )
    min_delay: float | None = Field(
        None, ge=0, le=60, description="seconds of silence before which the agent never answers"
    )
    max_delay: float | None = Field(
        None, ge=0, le=60, description="seconds of silence after which it answers in any case"
    )
    preflights: StrictBool | None = Field(
        None, alias="speculation", description="start the answer before the transcript is final"
    )
    interrupt_after: float | None = Field(
        None, ge=0, le=10, description="seconds of the caller's speech that stop the agent"
    )
    interrupt_words: WholeNumber | None = Field(
        None, ge=0, le=20, description="words of the caller that it takes besides"
    )


class ResourceLimits(Section):
    """What the platform gives the agent's container."""

    cpu: str | None = None
    memory: str | None = None


class LiveKitServer(Section):
    """A LiveKit server of the agent's own."""

    url: str | None = None
    api_key: str | None = Field(None, repr=False)
    api_secret: str | None = Field(None, repr=False)


class LangfuseProject(Section):
    """A Langfuse project of the agent's own."""

    enabled: StrictBool | None = None
    public_key: str | None = None
    secret_key: str | None = Field(None, repr=False)
    base_url: str | None = None


class Webhook(Section):
    """An address that is told of the sessions."""

    url: str | None = Field(None, description="the address, https; needed")
    secret: Annotated[str | None, AfterValidator(signing_secret)] = Field(
        None, repr=False, description="`whsec_` and base64; signs the requests"
    )
    events: Annotated[list[Literal["session.started", "session.ended"]], null_is([])] = Field(
        default_factory=list, max_length=8, description="what it is told of; else of everything"
    )


class CompletionWebhook(Section):
    """An address that gets a report when a call has ended, as agent files name it."""

    url: str | None = Field(None, description="the address, https")
    secret: Annotated[str | None, AfterValidator(signing_secret)] = Field(
        None, repr=False, description="`whsec_` and base64; signs the requests"
    )
    headers: Annotated[dict[str, str], null_is({})] = Field(
        default_factory=dict, repr=False, description="headers of the requests"
    )
    timeout: Annotated[float, null_is(10.0)] = Field(
        10.0, ge=1, le=300, description="seconds of a request; of more than 30, 30 count"
    )
    retry_count: WholeNumber | None = Field(None, json_schema_extra=NO_EFFECT)
    retry_delay: float | None = Field(None, json_schema_extra=NO_EFFECT)
    enabled: Annotated[StrictBool, null_is(default=True)] = Field(
        True, description="false: nothing is sent"
    )
