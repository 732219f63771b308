"""OpenAI's plugin: language model."""

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

from agent_runtime.providers.common.options import key_of, known_options
from agent_runtime.providers.common.spec import ProviderChoice, ProviderDefaults, Stage
from agent_runtime.providers.openai.spec import SPEC

# Connection limits of the HTTP library below the client, with idle connections kept for 120 s. Its default
# is 5 s; a caller may think for longer, and the next answer would wait for a new connection.
LIMITS: Final = type(DEFAULT_CONNECTION_LIMITS)(keepalive_expiry=120)


@cache
def authorities() -> ssl.SSLContext:
    """The certificate authorities that OpenSSL trusts by default; reading them takes 13 ms of CPU."""
    return ssl.create_default_context()


def language_model(
    choice: ProviderChoice, defaults: ProviderDefaults, *, temperature: float | None
) -> llm.LLM[Any]:
    """Build the plugin. Raises KeyMissingError."""
    key = key_of(SPEC, Stage.LLM, choice, defaults)
    options = {
        "model": choice.model or defaults.model,
        **({"temperature": temperature} if temperature is not None else {}),
        **known_options(SPEC, Stage.LLM, choice),
    }
    if (limit := options.pop("max_tokens", None)) is not None:
        options.setdefault("max_completion_tokens", limit)
    # The client is ours, because the plugin's own would read the certificate authorities again, on the
    # event loop of a call that starts. Like the plugin's it does not retry: the pipeline does, and so sees
    # each failure.
    client = AsyncOpenAI(
        api_key=key,
        base_url=choice.base_url or defaults.base_url,
        max_retries=options.pop("max_retries", 0),
        http_client=DefaultAsyncHttpxClient(verify=authorities(), limits=LIMITS),
    )
    return openai.LLM(client=client, **options)
