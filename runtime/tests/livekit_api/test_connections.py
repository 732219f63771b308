"""Connections to LiveKit persist, and either side may close them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from agent_runtime.livekit_api.rooms import LiveKitRooms

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class CountingServer:
    """Answers `limit` requests of each connection, and closes it at the next one."""

    def __init__(self) -> None:
        self.limit = 1000
        self.connections = 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        answered = 0
        while await reader.read(4096):  # each of our requests arrives in one piece
            if answered == self.limit:
                break
            answered += 1
            writer.write(ANSWER)
        writer.close()


@pytest.fixture
async def server() -> AsyncIterator[CountingServer]:
    """A server that counts its connections."""
    counting = CountingServer()
    listening = await asyncio.start_server(counting.serve, "127.0.0.1", 0)
    counting.url = f"ws://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    yield counting
    listening.close()


@pytest.fixture
async def rooms(server: CountingServer) -> AsyncIterator[LiveKitRooms]:
    """The client of that server."""
    opened = LiveKitRooms(server.url, "key", "secret")
    yield opened
    await opened.close()


async def test_requests_one_after_another_share_a_connection(
    server: CountingServer, rooms: LiveKitRooms
) -> None:
    """Five requests in a row need one connection."""
    for _ in range(5):
        await rooms.check()
    assert server.connections == 1


async def test_simultaneous_requests_have_a_connection_each(
    server: CountingServer, rooms: LiveKitRooms
) -> None:
    """Three simultaneous requests open three connections; three more open none."""
    for _ in range(2):
        await asyncio.gather(*(rooms.check() for _ in range(3)))
    assert server.connections == 3


async def test_a_connection_that_the_server_closed_is_replaced(
    server: CountingServer, rooms: LiveKitRooms
) -> None:
    """When the server closes an idle connection under a request, the request is sent on a new one."""
    server.limit = 1
    await rooms.check()
    await rooms.check()
    assert server.connections == 2
