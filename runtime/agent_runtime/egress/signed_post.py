"""One signed POST to an address of an agent."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp

from agent_runtime.egress.aiohttp_session import guarded_session
from agent_runtime.egress.policy import EgressPolicy, Guard
from agent_runtime.egress.urls import read


async def signed_post(
    policy: EgressPolicy,
    url: str,
    body: str,
    *,
    message_id: str,
    timestamp: int,
    signature: str | None,
    headers: Mapping[str, str],
    seconds: float,
) -> int:
    """POST the JSON text and return the status; the body of the answer is not read.

    Raises EgressRefused, aiohttp.ClientError or TimeoutError.
    """
    guard = Guard(read(url), policy)
    policy.check(guard.target)
    sent = {
        **headers,
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
    }
    if signature is not None:
        sent["webhook-signature"] = signature
    async with guarded_session(guard) as session:
        limit = aiohttp.ClientTimeout(total=seconds)
        async with session.post(
            guard.target.url, data=body.encode(), headers=sent, timeout=limit
        ) as response:
            return response.status
