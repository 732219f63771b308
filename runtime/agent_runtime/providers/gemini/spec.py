"""Google's Gemini: language model."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from agent_runtime.providers.common.option_types import PositiveInt
from agent_runtime.providers.common.spec import ProviderSpec, Stage, StageSpec, Variable

SPEC: Final = ProviderSpec(
    name="gemini",
    title="Gemini",
    package="livekit-plugins-google",
    extra="gemini",
    api_key=Variable(
        "GOOGLE_API_KEY",
        "Google's API key, for agents with llmProvider gemini that bring none as llmConfig.apiKey.",
        secret=True,
    ),
    base_url=Variable(
        "GEMINI_BASE_URL",
        "Address of the Gemini API. Change it for a proxy.",
        "https://generativelanguage.googleapis.com",
        schemes=("http", "https"),
    ),
    stages={
        Stage.LLM: StageSpec(
            model=Variable(
                "GEMINI_MODEL",
                "Gemini's model for agents that have no llmModel.",
                "gemini-3.8-flash",
            ),
            options={
                "api_key": str,
                "automatic_function_calling_config": dict[str, Any],
                "cached_content": str,
                "frequency_penalty": float,
                "max_output_tokens": PositiveInt,
                # The name that other providers have for max_output_tokens.
                "max_tokens": PositiveInt,
                "media_resolution": str,
                "model": str,
                "presence_penalty": float,
                "retrieval_config": dict[str, Any],
                "safety_settings": list[dict[str, Any]],
                "seed": int,
                "service_tier": str,
                "temperature": Annotated[float, Field(ge=0, le=2)],
                "thinking_config": dict[str, Any],
                "tool_choice": Literal["auto", "required", "none"] | dict[str, Any],
                "top_k": float,
                "top_p": float,
                # The address, in the words of the other providers.
                "base_url": str,
            },
            # Vertex AI authenticates by the machine's identity, which no agent may borrow.
            objects=frozenset({"credentials", "http_options", "location", "project", "vertexai"}),
        )
    },
)
