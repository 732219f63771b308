"""The registered form: camelCase, as the builder posts it. Any value may be null, unknown keys stay."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Final, Generic, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
)
from pydantic.alias_generators import to_camel

from agent_runtime.agents.model import AgentConfig, Profile, TurnTaking
from agent_runtime.domain.errors import ConfigIssue, InvalidAgentConfig
from agent_runtime.providers.common.spec import ProviderChoice
from agent_runtime.providers.registry import Stage, provider
from agent_runtime.text.streaming import TextStreaming

MAX_INTEGER: Final = 2**31 - 1
# Each is given its part of the time that a caller may wait in silence.
MOST_FALLBACKS: Final = 2
# A registered agent without a prompt still has to be somebody.
DEFAULT_PROMPT: Final = "You are a helpful voice assistant. Answer briefly, as one speaks."


def _known(stage: Stage) -> AfterValidator:
    return AfterValidator(lambda name: provider(stage, name) if name is not None else None)


def _one_of(names: type[StrEnum]) -> BeforeValidator:
    """By value, in any letter case; the error lists what there is."""

    def read(value: object) -> object:
        if value is None or value == "":
            return None
        if isinstance(value, str) and value.strip().lower() in set(names):
            return names(value.strip().lower())
        raise ValueError(f"{value!r} is none of {', '.join(names)}")

    return BeforeValidator(read)


def _whole(value: object) -> object:
    """10.0 is an integer in JSON."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class _Form(BaseModel):
    """Keys in camelCase; what is not named here is kept in `model_extra`."""

    model_config = ConfigDict(alias_generator=to_camel, extra="allow", strict=True)


class Options(_Form):
    """Settings of one provider; other keys go by the provider's own names."""

    model: str | None = None
    language: str | None = None
    api_key: str | None = Field(None, repr=False)
    base_url: str | None = None


class SttFallback(Options):
    """Speech to text that takes over."""

    provider: Annotated[str | None, _known(Stage.STT)] = None


class LlmFallback(Options):
    """A language model that takes over."""

    provider: Annotated[str | None, _known(Stage.LLM)] = None


class TtsFallback(Options):
    """Text to speech that takes over; its voices have names of their own."""

    provider: Annotated[str | None, _known(Stage.TTS)] = None
    voice_id: str | None = None


FallbackT = TypeVar("FallbackT", bound=Options)


class FirstOptions(Options, Generic[FallbackT]):
    """Settings of the provider that is asked first, and those asked when it fails, in order."""

    fallbacks: list[FallbackT] | None = Field(None, max_length=MOST_FALLBACKS)


class SpeechOptions(FirstOptions[TtsFallback]):
    """Text to speech; how text reaches it is ours, not the provider's."""

    text_streaming: Annotated[TextStreaming | None, _one_of(TextStreaming)] = None


class VadOptions(_Form):
    """Voice activity detection."""

    provider: Annotated[str | None, _known(Stage.VAD)] = None


class TurnOptions(_Form):
    """Turn detection; delays in seconds."""

    provider: Annotated[str | None, _known(Stage.TURN)] = None
    profile: Annotated[Profile | None, _one_of(Profile)] = None
    min_delay: float | None = Field(None, ge=0, le=60)
    max_delay: float | None = Field(None, ge=0, le=60)
    speculation: StrictBool | None = None
    interrupt_after: float | None = Field(None, ge=0, le=10)
    interrupt_words: Annotated[int | None, BeforeValidator(_whole)] = Field(None, ge=0, le=20)


class ResourceLimits(_Form):
    """What the platform gives the agent's container."""

    cpu: str | None = None
    memory: str | None = None


class LiveKitServer(_Form):
    """A LiveKit server of the agent's own."""

    url: str | None = None
    api_key: str | None = Field(None, repr=False)
    api_secret: str | None = Field(None, repr=False)


class LangfuseProject(_Form):
    """A Langfuse project of the agent's own."""

    enabled: StrictBool | None = None
    public_key: str | None = None
    secret_key: str | None = Field(None, repr=False)
    base_url: str | None = None


class RegisteredForm(_Form):
    """The `config` of POST /api/agents/register."""

    name: str | None = None
    description: str | None = None
    stt_provider: Annotated[str | None, _known(Stage.STT)] = None
    stt_config: FirstOptions[SttFallback] | None = None
    tts_provider: Annotated[str | None, _known(Stage.TTS)] = None
    tts_config: SpeechOptions | None = None
    voice_id: str | None = None
    llm_provider: Annotated[str | None, _known(Stage.LLM)] = None
    llm_model: str | None = None
    llm_config: FirstOptions[LlmFallback] | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    vision_enabled: StrictBool | None = None
    screen_share_enabled: StrictBool | None = None
    transcribe_enabled: StrictBool | None = None
    languages: list[str] | None = None
    avatar_model: str | None = None
    system_prompt: str | None = None
    initial_greeting: str | None = None
    greeting_instructions: str | None = None
    mcp_gateway_url: str | None = None
    mcp_config: dict[str, Any] | None = None
    max_concurrent_sessions: Annotated[int | None, BeforeValidator(_whole)] = Field(
        None, ge=1, le=MAX_INTEGER
    )
    resource_limits: ResourceLimits | None = None
    livekit_config: LiveKitServer | None = None
    langfuse_config: LangfuseProject | None = None
    interruption_handling: StrictBool | None = None
    vad_config: VadOptions | None = None
    turn_detection_config: TurnOptions | None = None

    def to_config(self) -> AgentConfig:
        """The same as the one model."""
        vad = self.vad_config or VadOptions()
        turns = self.turn_detection_config or TurnOptions()
        languages = tuple(self.languages or ())
        language = next(iter(languages), None)
        stt = self.stt_config or FirstOptions[SttFallback]()
        llm = self.llm_config or FirstOptions[LlmFallback]()
        tts = self.tts_config or SpeechOptions()
        return AgentConfig(
            stt=_choice(
                Stage.STT,
                self.stt_provider,
                stt,
                language=language,
                fallbacks=[
                    _choice(Stage.STT, other.provider, other, language=language)
                    for other in stt.fallbacks or ()
                ],
            ),
            llm=_choice(
                Stage.LLM,
                self.llm_provider,
                llm,
                model=self.llm_model,
                fallbacks=[
                    _choice(Stage.LLM, other.provider, other) for other in llm.fallbacks or ()
                ],
            ),
            tts=_choice(
                Stage.TTS,
                self.tts_provider,
                tts,
                language=language,
                voice_id=self.voice_id,
                fallbacks=[
                    _choice(
                        Stage.TTS, other.provider, other, language=language, voice_id=other.voice_id
                    )
                    for other in tts.fallbacks or ()
                ],
            ),
            turns=TurnTaking(
                vad=provider(Stage.VAD, vad.provider),
                detection=provider(Stage.TURN, turns.provider),
                interruptions=self.interruption_handling is not False,
                profile=turns.profile,
                min_delay=turns.min_delay,
                max_delay=turns.max_delay,
                speculation=turns.speculation,
                interrupt_after=turns.interrupt_after,
                interrupt_words=turns.interrupt_words,
            ),
            name=self.name,
            description=self.description,
            system_prompt=self.system_prompt or DEFAULT_PROMPT,
            greeting=self.initial_greeting or None,
            greeting_instructions=self.greeting_instructions or None,
            text_streaming=tts.text_streaming,
            temperature=self.temperature,
            transcribe=bool(self.transcribe_enabled),
            vision=bool(self.vision_enabled),
            screen_share=bool(self.screen_share_enabled),
            languages=languages,
            avatar_model=self.avatar_model or None,
            max_concurrent_sessions=self.max_concurrent_sessions,
        )


def parse_registered(config: Mapping[str, Any]) -> AgentConfig:
    """Check the registered form. Raises InvalidAgentConfig, naming every faulty field by its key."""
    return parse_form(config, lambda key: key)


def parse_form(config: Mapping[str, Any], name_of: Callable[[str | int], str | int]) -> AgentConfig:
    """The same for a form whose fields are called otherwise: `name_of(key)` is what to call `key`."""
    try:
        return RegisteredForm.model_validate(config).to_config()
    except ValidationError as error:
        raise InvalidAgentConfig(
            [
                ConfigIssue(
                    (name_of(fault["loc"][0]), *fault["loc"][1:]) if fault["loc"] else (),
                    str(fault["msg"]).removeprefix("Value error, "),
                )
                for fault in error.errors(include_url=False, include_input=False)
            ]
        ) from error


def _choice(
    stage: Stage,
    name: str | None,
    given: Options,
    *,
    model: str | None = None,
    language: str | None = None,
    voice_id: str | None = None,
    fallbacks: Sequence[ProviderChoice] = (),
) -> ProviderChoice:
    return ProviderChoice(
        provider=provider(stage, name),
        model=model or given.model or None,
        language=given.language or language,
        api_key=given.api_key or None,
        base_url=given.base_url or None,
        voice_id=voice_id or None,
        extra=dict(given.model_extra or {}),
        fallbacks=tuple(fallbacks),
    )
