"""OpenAI, and every service that speaks its protocol: language model."""

from typing import Final

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
            options=frozenset(
                {
                    "_provider_fmt",
                    "_strict_tool_schema",
                    "api_key",
                    "base_url",
                    "extra_body",
                    "extra_headers",
                    "extra_query",
                    "max_completion_tokens",
                    "max_retries",
                    "metadata",
                    "model",
                    "parallel_tool_calls",
                    "prompt_cache_breakpoints",
                    "prompt_cache_key",
                    "prompt_cache_options",
                    "prompt_cache_retention",
                    "reasoning_effort",
                    "safety_identifier",
                    "service_tier",
                    "store",
                    "temperature",
                    "timeout",
                    "tool_choice",
                    "top_p",
                    "user",
                    "verbosity",
                }
            ),
        )
    },
)
