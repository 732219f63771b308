"""Connections to LiveKit are kept, and given up by either side without harm."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from agent_runtime.livekit_api.rooms import LiveKitRooms

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class CountingServer:
    """Answers `patience` requests of each connection; the next one meets a closing connection."""

    def __init__(self) -> None:
        self.patience = 1000
        self.connections = 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        answered = 0
        while await reader.read(4096):  # a request of ours is a single small piece
            if answered == self.patience:
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
    """The rooms of that server."""
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


async def test_requests_at_once_have_a_connection_each(
    server: CountingServer, rooms: LiveKitRooms
) -> None:
    """Three at once open three connections; three more at once open none."""
    for _ in range(2):
        await asyncio.gather(*(rooms.check() for _ in range(3)))
    assert server.connections == 3


async def test_a_kept_connection_that_the_server_gave_up_is_no_fault(
    server: CountingServer, rooms: LiveKitRooms
) -> None:
    """When a kept connection closes under a request, it is asked again on a new one."""
    server.patience = 1
    await rooms.check()
    await rooms.check()
    assert server.connections == 2
