"""An agent's configuration, defined once: fields with their types, bounds, defaults and meanings.

From this definition follow the registered form, the row of the `agents` table, what is refused, the
warnings about keys without effect, and the tables in docs/agents.md. That page says where a new field goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool

from agent_runtime.agents.calls.limits import CallLimits
from agent_runtime.agents.fields import (
    NO_EFFECT,
    Language,
    NameOrObject,
    Text,
    WholeNumber,
    known_timezone,
    null_is,
    one_of,
    provider_of,
    without_control,
)
from agent_runtime.agents.languages.codes import MULTI, spoken
from agent_runtime.agents.sections import (
    CompletionWebhook,
    LangfuseProject,
    LiveKitServer,
    LlmOptions,
    Options,
    ResourceLimits,
    SttOptions,
    TtsOptions,
    TurnOptions,
    VadOptions,
    Webhook,
)
from agent_runtime.agents.subscriptions import subscriptions_of
from agent_runtime.agents.tools.definition import MAX_TOOLS, Tool, flat, tools_of
from agent_runtime.domain.callers.privacy import PrivacyTier
from agent_runtime.domain.ports.webhooks import Subscription
from agent_runtime.providers.common.spec import ProviderChoice, Stage
from agent_runtime.providers.registry import DEFAULTS

MAX_INTEGER: Final = 2**31 - 1  # of the database's integers
DEFAULT_PROMPT: Final = "You are a helpful voice assistant. Answer briefly, as one speaks."


class AgentConfig(CallLimits):
    """One agent, as the `config` of POST /api/agents/register; a worker builds a pipeline from it as it is.

    Every field may be null, and may be left out.
    """

    name: Annotated[str | None, AfterValidator(without_control)] = Field(
        None, description="the agent's name, for people; no control characters"
    )
    description: str | None = Field(None, description="what the agent is for, for people")

    stt_provider: Annotated[str, provider_of(Stage.STT)] = Field(
        DEFAULTS[Stage.STT], description="provider of speech to text"
    )
    stt_config: Annotated[SttOptions, null_is({})] = Field(
        default_factory=SttOptions,
        description="model, language, key, address and options of speech to text",
    )
    llm_provider: Annotated[str, provider_of(Stage.LLM)] = Field(
        DEFAULTS[Stage.LLM], description="provider of the language model"
    )
    llm_model: Text = Field(
        None, description="the language model; else `llmConfig.model`, else `LLM_MODEL`"
    )
    llm_config: Annotated[LlmOptions, null_is({})] = Field(
        default_factory=LlmOptions,
        description="model, key, address and options of the language model",
    )
    temperature: float | None = Field(
        None,
        ge=0,
        le=2,
        description="temperature of the language model, 0 to 2; else the provider's",
    )
    tts_provider: Annotated[str, provider_of(Stage.TTS)] = Field(
        DEFAULTS[Stage.TTS], description="provider of text to speech"
    )
    tts_config: Annotated[TtsOptions, null_is({})] = Field(
        default_factory=TtsOptions,
        description="model, language, key, address and options of text to speech",
    )
    voice_id: Text = Field(None, description="the voice; else `TTS_VOICE_ID`")
    languages: Annotated[list[Language], null_is([])] = Field(
        default_factory=list,
        description="languages, by code or English name; the first one is spoken and heard; "
        "`multi` is heard alone",
    )

    system_prompt: Annotated[
        str, null_is(DEFAULT_PROMPT), AfterValidator(lambda text: text or DEFAULT_PROMPT)
    ] = Field(
        DEFAULT_PROMPT,
        description="the agent's instructions, which nobody in the room can read; else a brief assistant",
    )
    guardrails: Text = Field(None, description="what the agent must never do, for its instructions")
    initial_context: Text = Field(
        None, description="what it knows before the call, for its instructions"
    )
    speech_guidance: StrictBool | None = Field(
        None,
        description="whether the instructions name date and time, and say how to speak",
    )
    timezone: Annotated[str | None, AfterValidator(known_timezone)] = Field(
        None, description="the IANA time zone of date and time, such as `Europe/Berlin`; else UTC"
    )
    agent_data: dict[str, Any] | None = Field(
        None, description="values of [variables](templates.md#variables) that every call has"
    )
    extends: Text = Field(
        None,
        description="the [template](templates.md) whose values the agent has where it has none",
    )
    greeting: Text = Field(
        None, alias="initialGreeting", description="the agent's first words, spoken as they are"
    )
    greeting_instructions: Text = Field(
        None, description="how the agent is to greet, when there is no `initialGreeting`"
    )

    interruptions: Annotated[StrictBool, null_is(default=True)] = Field(
        True,
        alias="interruptionHandling",
        description="whether the agent stops when the caller talks over it; true unless false",
    )
    vad: Annotated[VadOptions, null_is({})] = Field(
        default_factory=VadOptions,
        alias="vadConfig",
        description="`provider` of voice activity detection",
    )
    turns: Annotated[TurnOptions, null_is({})] = Field(
        default_factory=TurnOptions,
        alias="turnDetectionConfig",
        description="when the agent speaks and when it stops, [below](#turns)",
    )
    tools: Annotated[list[Annotated[Tool, NameOrObject(), BeforeValidator(flat)]], null_is([])] = (
        Field(
            default_factory=list,
            max_length=MAX_TOOLS,
            description="what the agent can do besides talk, [tools](tools.md)",
        )
    )
    default_tools: StrictBool | None = Field(
        None,
        description="whether it has all [built-in tools](tools.md#built-in-tools), listed or not",
    )
    max_concurrent_sessions: WholeNumber | None = Field(
        None,
        ge=1,
        le=MAX_INTEGER,
        description="sessions at once; else `MAX_SESSIONS_PER_AGENT`",
    )

    privacy: Annotated[PrivacyTier | None, one_of(PrivacyTier)] = Field(
        None,
        description="what is kept of conversations: `full`, `redacted` or `none`; else `PRIVACY_TIER`",
    )
    webhooks: Annotated[list[Webhook], null_is([])] = Field(
        default_factory=list,
        max_length=8,
        description="addresses that are told of its sessions, [webhooks.md](webhooks.md)",
    )
    completion_webhook: CompletionWebhook | None = Field(
        None, description="an address that gets a report when a call has ended"
    )

    vision_enabled: StrictBool | None = Field(
        None, json_schema_extra=NO_EFFECT, description="whether the agent sees the caller's camera"
    )
    screen_share_enabled: StrictBool | None = Field(
        None, json_schema_extra=NO_EFFECT, description="whether the agent sees a shared screen"
    )
    transcribe_enabled: StrictBool | None = Field(
        None, description="whether the room gets transcripts; it does unless false"
    )
    avatar_model: Text = Field(
        None, json_schema_extra=NO_EFFECT, description="the avatar that speaks"
    )
    mcp_gateway_url: str | None = Field(
        None, json_schema_extra=NO_EFFECT, description="address of an MCP gateway"
    )
    mcp_config: dict[str, Any] | None = Field(
        None, json_schema_extra=NO_EFFECT, description="MCP servers"
    )
    resource_limits: ResourceLimits | None = Field(
        None, json_schema_extra=NO_EFFECT, description="CPU and memory of the agent's container"
    )
    livekit_config: LiveKitServer | None = Field(
        None, json_schema_extra=NO_EFFECT, description="a LiveKit server of the agent's own"
    )
    langfuse_config: LangfuseProject | None = Field(
        None, json_schema_extra=NO_EFFECT, description="a Langfuse project of the agent's own"
    )

    @cached_property
    def stt(self) -> ProviderChoice:
        """Speech to text, with its fallbacks."""
        return _with_fallbacks(
            _choice(self.stt_provider, self.stt_config, language=self._heard),
            [_choice(one.provider, one, language=self._heard) for one in self.stt_config.fallbacks],
        )

    @cached_property
    def llm(self) -> ProviderChoice:
        """The language model, with its fallbacks."""
        return _with_fallbacks(
            _choice(self.llm_provider, self.llm_config, model=self.llm_model),
            [_choice(one.provider, one) for one in self.llm_config.fallbacks],
        )

    @cached_property
    def tts(self) -> ProviderChoice:
        """Text to speech, with its fallbacks."""
        return _with_fallbacks(
            _choice(
                self.tts_provider, self.tts_config, language=self._spoken, voice_id=self.voice_id
            ),
            [
                _choice(one.provider, one, language=self._spoken, voice_id=one.voice_id)
                for one in self.tts_config.fallbacks
            ],
        )

    @property
    def call_tools(self) -> list[Tool]:
        """The tools that a call has; none for most agents."""
        return tools_of(self.tools, with_defaults=self.default_tools)

    @property
    def subscriptions(self) -> list[Subscription]:
        """Who is told of its sessions."""
        return subscriptions_of(self.webhooks, self.completion_webhook)

    @property
    def _heard(self) -> str | None:
        return next(filter(None, self.languages), None)

    @property
    def language(self) -> str | None:
        """The language that the agent speaks; None when its provider's voice decides."""
        return self.tts.language

    @property
    def _spoken(self) -> str | None:
        return spoken(self.languages)


def _choice(
    provider: str,
    options: Options,
    *,
    model: str | None = None,
    language: str | None = None,
    voice_id: str | None = None,
) -> ProviderChoice:
    """`model` is stronger than the options' own, `language` weaker; "" counts as not given.

    Blanks around key and address are no part of them.
    """
    return ProviderChoice(
        provider=provider,
        model=model or options.model or None,
        language=_language(options, language),
        api_key=(options.api_key or "").strip() or None,
        base_url=(options.base_url or "").strip() or None,
        voice_id=voice_id or None,
        extra={
            key: value
            for key, value in (options.model_extra or {}).items()
            if value is not None and value != ""
        },
    )


def _language(options: Options, language: str | None) -> str | None:
    if options.stage is Stage.TTS and options.language == MULTI:
        return language
    return options.language or language


def _with_fallbacks(first: ProviderChoice, fallbacks: Sequence[ProviderChoice]) -> ProviderChoice:
    return replace(first, fallbacks=tuple(fallbacks))
