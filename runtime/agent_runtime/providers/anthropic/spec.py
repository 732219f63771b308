"""Anthropic: language model."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from agent_runtime.providers.common.option_types import CountingInt, PositiveInt
from agent_runtime.providers.common.spec import ProviderSpec, Stage, StageSpec, Variable

SPEC: Final = ProviderSpec(
    name="anthropic",
    title="Anthropic",
    package="livekit-plugins-anthropic",
    extra="anthropic",
    api_key=Variable(
        "ANTHROPIC_API_KEY",
        "Anthropic's API key, for agents with llmProvider anthropic that bring none as llmConfig.apiKey.",
        secret=True,
    ),
    base_url=Variable(
        "ANTHROPIC_BASE_URL",
        "Address of Anthropic's API. Change it for a proxy.",
        "https://api.anthropic.com",
        schemes=("http", "https"),
    ),
    stages={
        Stage.LLM: StageSpec(
            model=Variable(
                "ANTHROPIC_MODEL",
                "Anthropic's model for agents that have no llmModel.",
                "claude-sonnet-4-6",
            ),
            options={
                "_strict_tool_schema": bool,
                "api_key": str,
                "base_url": str,
                "caching": Literal["ephemeral"],
                "max_retries": CountingInt,
                "max_tokens": PositiveInt,
                "model": str,
                "parallel_tool_calls": bool,
                "temperature": Annotated[float, Field(ge=0, le=2)],
                "timeout": float,
                "tool_choice": Literal["auto", "required", "none"] | dict[str, Any],
                "top_k": CountingInt,
                "user": str,
            },
            objects=frozenset({"client"}),
        )
    },
)
