"""OpenAI's plugin: language model."""

from __future__ import annotations

from typing import Any, Final

from livekit.agents import llm
from livekit.plugins import openai
from openai import DEFAULT_CONNECTION_LIMITS, AsyncOpenAI, DefaultAsyncHttpxClient

# The client would load these at its first request, while a caller waits for the first answer.
from openai.lib.streaming import chat as _streaming  # noqa: F401
from openai.resources.chat import chat as _resource  # noqa: F401

from agent_runtime.egress.httpx_client import GuardedTransport
from agent_runtime.egress.policy import Guard
from agent_runtime.egress.tls import authorities
from agent_runtime.providers.common.endpoint import Endpoint, endpoint_of
from agent_runtime.providers.common.options import known_options
from agent_runtime.providers.common.spec import ProviderChoice, ProviderDefaults, Stage
from agent_runtime.providers.openai.spec import SPEC

# Connection limits of the HTTP library below the client, with idle connections kept for 120 s. Its default
# is 5 s; a caller may think for longer, and the next answer would wait for a new connection.
LIMITS: Final = type(DEFAULT_CONNECTION_LIMITS)(keepalive_expiry=120)


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
        options.setdefault("max_completion_tokens", limit)
    return openai.LLM(client=_client(endpoint, options.pop("max_retries", 0)), **options)


class GuardedClient(AsyncOpenAI):
    """The client for an agent's own address: nothing of the worker's environment goes there."""

    def __init__(self, *, guard: Guard, api_key: str, max_retries: int) -> None:
        super().__init__(
            api_key=api_key,
            base_url=guard.target.url,
            max_retries=max_retries,
            http_client=DefaultAsyncHttpxClient(
                transport=GuardedTransport(guard, LIMITS), trust_env=False, follow_redirects=False
            ),
        )
        # Left out, the constructor reads these from OPENAI_ADMIN_KEY, OPENAI_ORG_ID, OPENAI_PROJECT_ID
        # and OPENAI_CUSTOM_HEADERS, which are the operator's.
        self.admin_api_key = None
        self.organization = None
        self.project = None
        self._custom_headers = {}
        self._ambient_authorizations = frozenset()


def _client(endpoint: Endpoint, max_retries: int) -> AsyncOpenAI:
    """The client is ours, because the plugin's own would read the certificate authorities again.

    It would do so on the event loop of a call that starts. Like the plugin's, ours does not retry unless
    the agent says so: the pipeline does, and so sees each failure.
    """
    if endpoint.guard is not None:
        return GuardedClient(
            guard=endpoint.guard, api_key=endpoint.api_key, max_retries=max_retries
        )
    return AsyncOpenAI(
        api_key=endpoint.api_key,
        base_url=endpoint.base_url,
        max_retries=max_retries,
        http_client=DefaultAsyncHttpxClient(verify=authorities(), limits=LIMITS),
    )
