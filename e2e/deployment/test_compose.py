"""The image and the compose file hold a call, as an operator starts them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from e2e.deployment.compose import (
    Deployment,
    deployment,
    gateway,
    output_of,
    relayed,
    runtime_image,
)
from e2e.testbed.person import Person
from fixtures.agents import sample_agent
from fixtures.caller import Caller, room_token
from fixtures.providers import provider_environ
from fixtures.runtime_client.api import Api
from fixtures.speech import Recogniser

MOST_MEGABYTES = (
    620  # of the image: 149 are the base of Debian's packages, where python:slim has 124
)


async def _ready(running: Deployment) -> None:
    """Wait until the API has a worker."""
    async with asyncio.timeout(90), aiohttp.ClientSession() as http:
        headers = {"Authorization": f"Bearer {running.api_key}"}
        while True:
            try:
                async with http.get(f"{running.api_url}/metrics", headers=headers) as answer:
                    if "agent_runtime_worker_free_places{" in await answer.text():
                        return
            except aiohttp.ClientError:
                pass  # the API does not listen yet
            await asyncio.sleep(0.5)


async def test_a_call_through_the_containers(
    providers: str, recogniser: Recogniser, tmp_path: Path
) -> None:
    """`docker compose up`, and a caller is greeted and answered; the worker drains at its end.

    The containers run with a read-only file system and as no root, and hold no compiler.
    """
    port = urlsplit(providers).port
    assert port is not None
    async with relayed(gateway(), port) as relay:
        environ = provider_environ(f"http://{gateway()}:{relay}")
        with deployment(tmp_path, {**environ, "WORKER_MOST_CPU_PRESSURE": "100"}) as running:
            await _ready(running)
            async with Api(running.api_url, running.api_key) as api:
                await api.register(7, sample_agent("receptionist"))
                session_id = await api.create(7, "compose-room")
                token = room_token(
                    running.livekit_api_key, running.livekit_api_secret, "compose-room", "caller"
                )
                async with Caller(running.livekit_url, token) as caller:
                    person = Person(caller, recogniser)
                    await person.hears_greeting()
                    await person.is_answered("weather")
                    await api.end(session_id)
                    await caller.agent_left()
            for service in ("api", "worker"):
                # The last of these commands prints nothing: no compiler and no installer is there.
                asks = "id -u; touch /opt/x 2>&1; command -v cc gcc pip; true"
                answer = running.docker_compose("exec", "-T", service, "/bin/sh", "-c", asks)
                assert answer.splitlines()[0] == "10001"
                assert "Read-only file system" in answer
                assert len(answer.splitlines()) == 2, f"{service} holds {answer}"
            running.docker_compose("exec", "-T", "worker", "agent-runtime", "health", "worker")
            running.docker_compose("exec", "-T", "api", "agent-runtime", "doctor")
            running.docker_compose("stop", "-t", "20", "worker")
            assert "exited with code" not in running.docker_compose("ps")


@pytest.fixture(scope="module")
def image() -> str:
    """The image, built when the tests before have not done it."""
    return runtime_image()


def test_the_image_is_small_and_names_what_it_is(image: str) -> None:
    """Its size, its labels and its user are what docs/deployment.md promises."""
    (found,) = json.loads(output_of("docker", "image", "inspect", image))
    assert found["Size"] < MOST_MEGABYTES * 1e6
    assert found["Config"]["User"] == "10001:10001"
    assert found["Config"]["Labels"]["org.opencontainers.image.title"] == "voice-agent-runtime"
    assert found["Config"]["Healthcheck"]
