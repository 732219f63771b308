"""OpenAI, and every service that speaks its protocol: language model, speech to text, text to speech."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from agent_runtime.providers.common.option_types import CountingInt, Fraction, PositiveInt
from agent_runtime.providers.common.spec import ProviderSpec, Stage, StageSpec, Variable

SPEC: Final = ProviderSpec(
    name="openai",
    title="OpenAI",
    package="livekit-plugins-openai",
    api_key=Variable(
        "OPENAI_API_KEY",
        "OpenAI's API key. Set it unless every agent brings its own as llmConfig.apiKey.",
        secret=True,
    ),
    base_url=Variable(
        "OPENAI_BASE_URL",
        "Address of OpenAI's API. Change it for a proxy or another service of the same protocol.",
        "https://api.openai.com/v1",
        schemes=("http", "https"),
    ),
    stages={
        Stage.LLM: StageSpec(
            model=Variable(
                "LLM_MODEL",
                "OpenAI's model for agents that have no llmModel.",
                "gpt-4o-mini",
            ),
            options={
                "_provider_fmt": str,
                "_strict_tool_schema": bool,
                "api_key": str,
                "base_url": str,
                "extra_body": dict[str, Any],
                "extra_headers": dict[str, str],
                "extra_query": dict[str, str],
                "max_completion_tokens": PositiveInt,
                "max_retries": CountingInt,
                # Sent as max_completion_tokens, its newer name, which the plugin takes.
                "max_tokens": PositiveInt,
                "metadata": dict[str, str],
                "model": str,
                "parallel_tool_calls": bool,
                "prompt_cache_breakpoints": bool | Literal["auto"],
                "prompt_cache_key": str,
                "prompt_cache_options": dict[str, Any],
                "prompt_cache_retention": Literal["in_memory", "24h"],
                "reasoning_effort": Literal[
                    "none", "minimal", "low", "medium", "high", "xhigh", "max"
                ],
                "safety_identifier": str,
                "service_tier": str,
                "store": bool,
                "temperature": Annotated[float, Field(ge=0, le=2)],
                "timeout": float,
                "tool_choice": Literal["auto", "required", "none"] | dict[str, Any],
                "top_p": Fraction,
                "user": str,
                "verbosity": Literal["low", "medium", "high"],
            },
            objects=frozenset({"client"}),
        ),
        Stage.STT: StageSpec(
            model=Variable(
                "OPENAI_STT_MODEL",
                "OpenAI's recognition model for agents whose sttConfig names no model.",
                "gpt-4o-mini-transcribe",
            ),
            options={
                "api_key": str,
                "base_url": str,
                "detect_language": bool,
                "keywords": list[str],
                "language": str | list[str],
                "model": str,
                "noise_reduction_type": Literal["near_field", "far_field"],
                "prompt": str,
                "temperature": Fraction,
                "turn_detection": dict[str, Any],
                # Without it, the plugin waits for each whole turn.
                "use_realtime": Literal[True],
            },
            objects=frozenset({"client", "vad"}),
        ),
        Stage.TTS: StageSpec(
            model=Variable(
                "OPENAI_TTS_MODEL",
                "OpenAI's voice model for agents whose ttsConfig names no model.",
                "gpt-4o-mini-tts",
            ),
            voice=Variable(
                "OPENAI_TTS_VOICE", "OpenAI's voice for agents without a voiceId.", "ash"
            ),
            options={
                "api_key": str,
                "base_url": str,
                "instructions": str,
                "model": str,
                "response_format": Literal["pcm"],
                "speed": Annotated[float, Field(ge=0.25, le=4)],
                "voice": str,
            },
            objects=frozenset({"client"}),
        ),
    },
)
