"""The shape of the file form: snake_case JSON, with the bounds and defaults that its documents give.

Only the shape is judged here. What a field does follows from the registered key that `file.py` turns it
into; a field that no code acts on yet is kept and reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    model_validator,
)

from agent_runtime.agents.fields import NameOrObject, Section, WholeNumber

# Defaults of the file form, as its documents have them.
TEMPERATURE: Final = 0.7
MAX_HISTORY: Final = 50
SUMMARIZE_THRESHOLD: Final = 100
# Seconds: a shorter call is none.
SHORTEST_CALL: Final = 30

# JSON has one kind of number; an integer is one, too.
Number = float


class Part(Section):
    """An object of the file form. It keeps unknown keys; null is the same as a missing key."""

    model_config = ConfigDict(alias_generator=lambda name: name)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        return {key: value for key, value in given.items() if value is not None}


def _named(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


def _any_case(*values: str) -> Any:
    """A text that is one of these, in any letter case. The error lists them."""

    def check(value: str) -> str:
        if value.lower() not in {one.lower() for one in values}:
            raise ValueError(f"{value[:40]!r} is none of {', '.join(values)}")
        return value

    return AfterValidator(check)


Method = Annotated[str, _any_case("GET", "POST", "PUT", "PATCH", "DELETE")]
NoiseCancellation = Annotated[str, _any_case("BVC", "BVCTelephony", "webrtc", "none")]


class LlmPart(Part):
    """The language model."""

    provider: str | None = Field(None, description="provider of the language model")
    model: str | None = Field(None, description="the model; else the provider's default")
    temperature: Number | None = Field(
        None, ge=0, le=2, description=f"temperature, 0 to 2; {TEMPERATURE} unless given"
    )
    max_tokens: WholeNumber | None = Field(None, ge=1, description="bound of each answer")
    api_key: str | None = Field(None, repr=False, description="key for the provider")
    base_url: str | None = Field(None, description="address of the provider")
    custom_params: dict[str, Any] | None = Field(None, description="options of the plugin")


class TtsPart(Part):
    """Text to speech."""

    provider: str | None = Field(None, description="provider of text to speech")
    voice_id: str | None = Field(None, description="the voice; else the provider's default")
    model: str | None = Field(None, description="the model; else the provider's default")
    language: str | None = Field(None, description="language of the voice")
    speed: Number | None = Field(None, ge=0.25, le=4, description="speed of the voice, 0.25 to 4")
    api_key: str | None = Field(None, repr=False, description="key for the provider")
    base_url: str | None = Field(None, description="address of the provider")
    custom_params: dict[str, Any] | None = Field(None, description="options of the plugin")


class SttPart(Part):
    """Speech to text."""

    provider: str | None = Field(None, description="provider of speech to text")
    language: str | None = Field(None, description="the language that is spoken")
    model: str | None = Field(None, description="the model; else the provider's default")
    api_key: str | None = Field(None, repr=False, description="key for the provider")
    base_url: str | None = Field(None, description="address of the provider")
    custom_params: dict[str, Any] | None = Field(None, description="options of the plugin")


class RagPart(Part):
    """Knowledge that the agent searches."""

    enabled: StrictBool = False
    namespace: str | None = None
    knowledge_base_ids: list[str | int] = Field(default_factory=list, max_length=1000)


class MemoryPart(Part):
    """What the agent remembers."""

    enabled: StrictBool = False
    type: Literal["conversation", "user", "global"] = "conversation"
    max_history: WholeNumber = Field(MAX_HISTORY, ge=1)
    summarize_threshold: WholeNumber = Field(SUMMARIZE_THRESHOLD, ge=1)
    provider: str | None = None
    custom_params: dict[str, Any] | None = None


class ApiSpec(Part):
    """The request of a webhook tool."""

    url: str = Field(min_length=1)
    method: Method = "POST"
    headers: dict[str, str] = Field(default_factory=dict)
    body: Any = None


class ToolPart(Part):
    """A tool that the agent may call; the bare name of a tool means this object with that name."""

    id: str | int | None = None
    name: str = Field(min_length=1, max_length=128)
    enabled: StrictBool = True
    async_execution: StrictBool = False
    description: str | None = None
    type: Literal["default", "webhook"] = "default"
    api_spec: ApiSpec | None = None


class McpServer(Part):
    """An MCP server, whose tools the agent may call."""

    url: str = Field(min_length=1)
    headers: dict[str, str] = Field(default_factory=dict)


class Criterion(Part):
    """What a finished call is judged by."""

    name: str = Field(min_length=1)
    description: str | None = None


class WebhookPart(Part):
    """An address that is called after a call."""

    url: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    timeout: Number = Field(30, ge=1, le=300, description="seconds")
    retry_count: WholeNumber = Field(3, ge=0, le=10)
    retry_delay: Number = Field(1.0, ge=0, le=3600, description="seconds")
    enabled: StrictBool = True


class FileForm(Part):
    """An agent's configuration as agent files have it. Every key may be null, and may be left out."""

    agent_id: str | WholeNumber | None = Field(
        None, description="id of the agent, a text or a number; else the file's name"
    )
    name: str | None = Field(None, description="the agent's name, for people")
    description: str | None = Field(None, description="what the agent is for, for people")
    agent_type: str | None = Field(None, description="`assistant`")
    version: str | Number | None = Field(None, description="the file's own version, for people")
    first_message: str | None = Field(None, description="the agent's first words, as they are")
    greeting_instructions: str | None = Field(None, description="how the agent is to greet")
    system_instructions: str | None = Field(None, description="the agent's instructions")
    guardrails: str | None = Field(None, description="what the agent must not do")
    initial_context: str | None = Field(
        None, description="what the agent knows at the start of a call"
    )
    llm_config: LlmPart = Field(default_factory=LlmPart, description="the language model")
    tts_config: TtsPart = Field(default_factory=TtsPart, description="text to speech")
    stt_config: SttPart = Field(default_factory=SttPart, description="speech to text")
    vad_config: dict[str, Any] = Field(default_factory=dict, description="voice activity detection")
    turn_detection_config: dict[str, Any] = Field(
        default_factory=dict, description="when the agent speaks and when it stops"
    )
    rag_config: RagPart | None = Field(None, description="knowledge that the agent searches")
    memory_config: MemoryPart | None = Field(None, description="what the agent remembers")
    tools: list[Annotated[ToolPart, NameOrObject(), BeforeValidator(_named)]] = Field(
        default_factory=list, max_length=128, description="tools, as objects or by their names"
    )
    mcp_servers: list[McpServer] = Field(
        default_factory=list, max_length=32, description="MCP servers"
    )
    evaluation_criteria: list[Criterion] = Field(
        default_factory=list, max_length=128, description="what a finished call is judged by"
    )
    evaluation_webhook: WebhookPart | None = Field(None, description="called with the judgement")
    metrics_webhook: WebhookPart | None = Field(None, description="called with the metrics")
    completion_webhook: WebhookPart | None = Field(None, description="called with the transcript")
    max_conversation_duration: Number | None = Field(
        None,
        ge=SHORTEST_CALL,
        description=f"seconds after which the call ends, {SHORTEST_CALL} or more",
    )
    silence_timeout: Number | None = Field(
        None, ge=0, description="seconds of silence after which the agent asks"
    )
    interruption_handling: StrictBool = Field(
        True, description="whether the agent stops when the caller talks over it"
    )
    noise_cancellation: NoiseCancellation | None = Field(
        None, description="`BVC`, `BVCTelephony`, `webrtc` or `none`"
    )
    metadata: dict[str, Any] | None = Field(None, description="values of your own")
