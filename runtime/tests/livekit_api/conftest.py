"""A real livekit-server, and clients that show what happens in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from livekit import api

from agent_runtime.livekit_api.rooms import LiveKitRooms
from fixtures.servers import LiveKitServer, livekit_server
from fixtures.servers.offers import Offers, recorded_offers


@pytest.fixture(scope="session")
def livekit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitServer]:
    """A LiveKit server."""
    with livekit_server(tmp_path_factory.mktemp("livekit")) as server:
        yield server


@pytest.fixture
async def rooms(livekit: LiveKitServer) -> AsyncIterator[LiveKitRooms]:
    """The client under test."""
    opened = LiveKitRooms(livekit.url, livekit.api_key, livekit.api_secret)
    yield opened
    await opened.close()


@pytest.fixture
async def admin(livekit: LiveKitServer) -> AsyncIterator[api.LiveKitAPI]:
    """LiveKit's own client, to inspect the server."""
    async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as client:
        yield client


@pytest.fixture
async def offers(livekit: LiveKitServer) -> AsyncIterator[Offers]:
    """The jobs that LiveKit offers to a worker."""
    async with recorded_offers(livekit) as recorded:
        yield recorded
