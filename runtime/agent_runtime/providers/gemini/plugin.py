"""Gemini's plugin: language model."""

from __future__ import annotations

from typing import Any

from google.genai import Client
from google.genai.types import HttpOptions
from livekit.agents import llm
from livekit.plugins import google

from agent_runtime.providers.common.clients import http_client
from agent_runtime.providers.common.endpoint import Endpoint, endpoint_of
from agent_runtime.providers.common.options import known_options
from agent_runtime.providers.common.spec import ProviderChoice, ProviderDefaults, Stage
from agent_runtime.providers.gemini.spec import SPEC


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
    if (limit := options.pop("max_tokens", None)) is not None:
        options.setdefault("max_output_tokens", limit)
    plugin = google.LLM(api_key=endpoint.api_key, vertexai=False, **options)
    # The plugin's own client has no address, so that its first request, which opens the connection, would
    # go to Google with whatever key the agent has.
    plugin._client = _client(endpoint)  # noqa: SLF001 - no argument takes a client
    return plugin


def _client(endpoint: Endpoint) -> Client:
    return Client(
        vertexai=False,
        api_key=endpoint.api_key,
        http_options=HttpOptions(
            base_url=endpoint.base_url, httpx_async_client=http_client(endpoint)
        ),
    )
