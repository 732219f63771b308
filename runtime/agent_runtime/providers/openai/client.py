"""The client of OpenAI's library, which all its plugins take."""

from __future__ import annotations

from typing import Final

from openai import DEFAULT_CONNECTION_LIMITS, AsyncOpenAI, DefaultAsyncHttpxClient

from agent_runtime.egress.httpx_client import GuardedTransport
from agent_runtime.egress.policy import Guard
from agent_runtime.egress.tls import authorities
from agent_runtime.providers.common.endpoint import Endpoint

# Connection limits of the HTTP library below the client, with idle connections kept for 120 s. Its default
# is 5 s; a caller may think for longer, and the next answer would wait for a new connection.
LIMITS: Final = type(DEFAULT_CONNECTION_LIMITS)(keepalive_expiry=120)


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


def client_of(endpoint: Endpoint, max_retries: int = 0) -> AsyncOpenAI:
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
