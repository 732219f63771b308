"""Anthropic's plugin: language model."""

from __future__ import annotations

from typing import Any

from anthropic import AsyncAnthropic
from livekit.agents import llm
from livekit.plugins import anthropic

from agent_runtime.providers.anthropic.spec import SPEC
from agent_runtime.providers.common.clients import http_client
from agent_runtime.providers.common.endpoint import Endpoint, endpoint_of
from agent_runtime.providers.common.options import known_options
from agent_runtime.providers.common.spec import ProviderChoice, ProviderDefaults, Stage


def language_model(
    choice: ProviderChoice, defaults: ProviderDefaults, *, temperature: float | None
) -> llm.LLM[Any]:
    """Build the plugin. Raises KeyMissingError or EgressRefused."""
    endpoint = endpoint_of(SPEC, Stage.LLM, choice, defaults)
    options = {
        "model": choice.model or defaults.model,
        **({"temperature": temperature} if temperature is not None else {}),
        **known_options(SPEC, Stage.LLM, choice),
    }
    retries, seconds = options.pop("max_retries", 0), options.pop("timeout", None)
    client = _client(endpoint, retries)
    if seconds is not None:
        client = client.with_options(timeout=seconds)
    return anthropic.LLM(client=client, api_key=endpoint.api_key, **options)


def _client(endpoint: Endpoint, max_retries: int) -> AsyncAnthropic:
    """The pipeline retries, and so sees each failure; the client does not unless the agent says so."""
    client = AsyncAnthropic(
        api_key=endpoint.api_key,
        base_url=endpoint.base_url,
        max_retries=max_retries,
        http_client=http_client(endpoint),
    )
    if endpoint.guard is not None:
        # Left out, the constructor reads these from the environment, and they are the operator's.
        client.auth_token = None
        client._custom_headers = {}  # noqa: SLF001 - no argument means "none"
    return client
