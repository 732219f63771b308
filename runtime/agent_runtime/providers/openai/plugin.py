"""OpenAI: language model."""

from __future__ import annotations

import ssl
from functools import cache
from typing import Any, Final

from livekit.agents import llm
from livekit.plugins import openai
from openai import DEFAULT_CONNECTION_LIMITS, AsyncOpenAI, DefaultAsyncHttpxClient

# The client would load these at its first request, while a caller waits for the first answer.
from openai.lib.streaming import chat as _streaming  # noqa: F401
from openai.resources.chat import chat as _resource  # noqa: F401

from agent_runtime.providers.common.options import KeyMissingError, accepted
from agent_runtime.providers.common.spec import ProviderChoice
from agent_runtime.voice.jobs.settings import VoiceSettings

# Of the HTTP library that the client is built on. A caller may think for longer than its default of 5 s,
# and the next answer would wait for a new connection.
LIMITS: Final = type(DEFAULT_CONNECTION_LIMITS)(keepalive_expiry=120)


@cache
def authorities() -> ssl.SSLContext:
    """Whom the client trusts: what OpenSSL does by default. To read them all takes 13 ms of CPU."""
    return ssl.create_default_context()


def language_model(
    choice: ProviderChoice, temperature: float | None, settings: VoiceSettings
) -> llm.LLM[Any]:
    """Build the plugin. Raises KeyMissingError."""
    defaults = settings.openai
    key = choice.api_key or defaults.api_key
    if not key:
        raise KeyMissingError("OpenAI", "OPENAI_API_KEY", "llmConfig")
    options = {
        "model": choice.model or defaults.model,
        **({"temperature": temperature} if temperature is not None else {}),
        **accepted(openai.LLM, choice),
    }
    # The plugin's own client would read the authorities anew, on the event loop of a call that starts. As
    # with that one, the pipeline tries again, and sees each failure.
    client = AsyncOpenAI(
        api_key=key,
        base_url=choice.base_url or defaults.base_url,
        max_retries=options.pop("max_retries", 0),
        http_client=DefaultAsyncHttpxClient(verify=authorities(), limits=LIMITS),
    )
    return openai.LLM(client=client, **options)
