"""The client of OpenAI's library, which all its plugins take."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import httpx2
from openai import DEFAULT_CONNECTION_LIMITS, AsyncOpenAI, DefaultAsyncHttpxClient

from agent_runtime.egress.httpx_client import GuardedTransport
from agent_runtime.egress.policy import Guard
from agent_runtime.egress.tls import authorities
from agent_runtime.providers.common.endpoint import Endpoint

# Connection limits of the HTTP library below the client, with idle connections kept for 120 s. Its default
# is 5 s; a caller may think for longer, and the next answer would wait for a new connection.
LIMITS: Final = type(DEFAULT_CONNECTION_LIMITS)(keepalive_expiry=120)
# Functions that the HTTP library calls, by the event.
Hooks = Mapping[str, list[Callable[..., Awaitable[Any]]]]


class GuardedClient(AsyncOpenAI):
    """The client for an agent's own address: nothing of the worker's environment goes there."""

    def __init__(self, *, guard: Guard, api_key: str, max_retries: int, hooks: Hooks) -> None:
        super().__init__(
            api_key=api_key,
            base_url=guard.target.url,
            max_retries=max_retries,
            http_client=DefaultAsyncHttpxClient(
                transport=GuardedTransport(guard, LIMITS),
                trust_env=False,
                follow_redirects=False,
                event_hooks=hooks,
            ),
        )
        # Left out, the constructor reads these from OPENAI_ADMIN_KEY, OPENAI_ORG_ID, OPENAI_PROJECT_ID
        # and OPENAI_CUSTOM_HEADERS, which are the operator's.
        self.admin_api_key = None
        self.organization = None
        self.project = None
        self._custom_headers = {}
        self._ambient_authorizations = frozenset()


def client_of(
    endpoint: Endpoint, max_retries: int = 0, *, gives_up_on_silence: bool = False
) -> AsyncOpenAI:
    """The client is ours, because the plugin's own would read the certificate authorities again.

    It would do so on the event loop of a call that starts. Like the plugin's, ours does not retry unless
    the agent says so: the pipeline does, and so sees each failure. With `gives_up_on_silence` it waits as
    long for each piece of an answer as for the connection.
    """
    hooks: Hooks = {"request": [_give_up_on_silence]} if gives_up_on_silence else {}
    if endpoint.guard is not None:
        return GuardedClient(
            guard=endpoint.guard, api_key=endpoint.api_key, max_retries=max_retries, hooks=hooks
        )
    return AsyncOpenAI(
        api_key=endpoint.api_key,
        base_url=endpoint.base_url,
        max_retries=max_retries,
        http_client=DefaultAsyncHttpxClient(verify=authorities(), limits=LIMITS, event_hooks=hooks),
    )


async def _give_up_on_silence(request: httpx2.Request) -> None:
    """For text to speech: its plugin waits 30 s for a piece, whatever the pipeline says."""
    timeout = request.extensions.get("timeout", {})
    if timeout.get("connect") is not None:
        timeout["read"] = timeout["connect"]
