"""The HTTP client of the vendors whose own client libraries use httpx2."""

from __future__ import annotations

from typing import Final

import httpx2

from agent_runtime.egress.httpx_client import GuardedTransport
from agent_runtime.egress.tls import authorities
from agent_runtime.providers.common.endpoint import Endpoint

# Idle connections are kept for 120 s. The library's default is 5 s; a caller may think for longer, and the
# next answer would wait for a new connection.
LIMITS: Final = httpx2.Limits(
    max_connections=1000, max_keepalive_connections=100, keepalive_expiry=120
)
# Seconds to connect, and between two pieces of an answer, where a request does not say otherwise.
TIMEOUT: Final = httpx2.Timeout(30.0, connect=5.0)


def http_client(endpoint: Endpoint) -> httpx2.AsyncClient:
    """A client for the endpoint: guarded where the agent names the address.

    The certificate authorities are read once a process, not on the event loop of a call that starts.
    """
    if endpoint.guard is not None:
        return httpx2.AsyncClient(
            transport=GuardedTransport(endpoint.guard, LIMITS),
            timeout=TIMEOUT,
            trust_env=False,
            follow_redirects=False,
        )
    return httpx2.AsyncClient(verify=authorities(), limits=LIMITS, timeout=TIMEOUT)
