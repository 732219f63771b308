"""The services that callers call, and a look at them before the first one does."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

import aiohttp

from fixtures.agents import sample_agent
from fixtures.runtime_client.api import Api, ApiError

OURS: Final = "ours"  # the name of our own runtime among the targets
ANSWERS_WITHIN: Final = 10.0  # seconds
NO_LIMIT: Final = 10_000  # sessions of the registered agent at once


@dataclass(frozen=True, slots=True)
class Services:
    """Where they are; `database` and `stand_ins` are empty where they cannot be read."""

    api: str
    api_key: str
    livekit: str
    livekit_key: str
    livekit_secret: str
    database: str = ""
    stand_ins: str = ""


class ServiceUnavailable(Exception):
    """A service does not answer; the text says which and why."""


async def check(services: Services) -> None:
    """Raises ServiceUnavailable unless API and LiveKit answer."""
    timeout = aiohttp.ClientTimeout(total=ANSWERS_WITHIN)
    livekit = services.livekit.replace("ws", "http", 1)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        for name, url in (("the API", f"{services.api}/health"), ("LiveKit", livekit)):
            try:
                async with http.get(url):
                    pass  # any answer will do: it is there
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                why = "no answer in time" if isinstance(error, TimeoutError) else str(error)
                raise ServiceUnavailable(f"{name} is not there: {url}: {why}") from error


async def register(services: Services, agent_id: int, sample: str) -> None:
    """Register a sample agent that takes any number of calls. Raises ServiceUnavailable if refused."""
    config = sample_agent(sample, maxConcurrentSessions=NO_LIMIT)
    async with Api(services.api, services.api_key) as api:
        try:
            async with asyncio.timeout(ANSWERS_WITHIN):
                await api.register(agent_id, config)
        except (ApiError, aiohttp.ClientError, TimeoutError) as error:
            raise ServiceUnavailable(
                f"agent {agent_id} could not be registered: {error!s}"
            ) from error
