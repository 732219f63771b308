"""The services of a load run, and a check of them before the first call."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

import aiohttp

from fixtures.agents import sample_agent
from fixtures.runtime_client.api import Api, ApiError

OURS: Final = "ours"  # name of this runtime among the targets
ANSWERS_WITHIN: Final = 10.0  # seconds that a service may take to respond before a run
NO_LIMIT: Final = 10_000  # concurrent sessions of the registered agent: more than any run has


@dataclass(frozen=True, slots=True)
class Services:
    """URLs and keys of the services; `database` and `stand_ins` are empty where a run cannot read them."""

    api: str
    api_key: str
    livekit: str
    livekit_key: str
    livekit_secret: str
    database: str = ""
    stand_ins: str = ""


class ServiceUnavailable(Exception):
    """A service does not respond; the message names it and the reason."""


async def check(services: Services) -> None:
    """Raises ServiceUnavailable unless API and LiveKit respond."""
    timeout = aiohttp.ClientTimeout(total=ANSWERS_WITHIN)
    livekit = services.livekit.replace("ws", "http", 1)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        for name, url in (("the API", f"{services.api}/health"), ("LiveKit", livekit)):
            try:
                async with http.get(url):
                    pass  # any response shows that it runs
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                why = "no response in time" if isinstance(error, TimeoutError) else str(error)
                raise ServiceUnavailable(f"{name} is not available: {url}: {why}") from error


async def register(services: Services, agent_id: int, sample: str) -> None:
    """Register a sample agent without a limit of sessions. Raises ServiceUnavailable if that fails."""
    config = sample_agent(sample, maxConcurrentSessions=NO_LIMIT)
    async with Api(services.api, services.api_key) as api:
        try:
            async with asyncio.timeout(ANSWERS_WITHIN):
                await api.register(agent_id, config)
        except (ApiError, aiohttp.ClientError, TimeoutError) as error:
            raise ServiceUnavailable(
                f"agent {agent_id} could not be registered: {error!s}"
            ) from error
