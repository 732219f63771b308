"""What is said when LiveKit is not there, does not answer, or refuses."""

import asyncio
import time

import pytest

from agent_runtime.domain.errors import RoomsUnavailable
from agent_runtime.domain.session import new_session
from agent_runtime.rooms.livekit_rooms import LiveKitRooms
from fixtures.servers import LiveKitServer
from fixtures.servers.ports import free_ports

SECRET = "the-secret-that-nobody-may-read-in-a-log"


async def test_it_is_there(rooms: LiveKitRooms) -> None:
    """A check of a server that answers returns."""
    await rooms.check()


async def test_nobody_listens() -> None:
    """A server that cannot be reached is named with its port, without the secret."""
    (port,) = free_ports(1)
    rooms = LiveKitRooms(f"ws://127.0.0.1:{port}", "key", SECRET)
    with pytest.raises(RoomsUnavailable, match=rf"127\.0\.0\.1:{port} is not reachable") as failed:
        await rooms.dispatch(new_session(7, 3, "room"), {})
    assert SECRET not in str(failed.value)
    with pytest.raises(RoomsUnavailable):
        await rooms.check()
    await rooms.close()


async def test_it_accepts_and_never_answers() -> None:
    """A server that does not answer is given up after the timeout, which the text names."""
    silent = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    rooms = LiveKitRooms(f"ws://127.0.0.1:{port}", "key", SECRET, timeout=0.3)
    began = time.monotonic()
    with pytest.raises(RoomsUnavailable, match=r"did not answer within 0\.3 s"):
        await rooms.dispatch(new_session(7, 3, "room"), {})
    assert time.monotonic() - began < 5
    await rooms.close()
    silent.close()


async def test_it_refuses_the_key(livekit: LiveKitServer) -> None:
    """With a wrong secret LiveKit is there and refuses; the text says that it refused."""
    rooms = LiveKitRooms(livekit.url, livekit.api_key, SECRET)
    with pytest.raises(RoomsUnavailable, match="refused") as failed:
        await rooms.dispatch(new_session(7, 3, "room"), {})
    assert SECRET not in str(failed.value)
    await rooms.close()


async def test_a_kept_connection_that_the_server_gave_up_is_no_fault() -> None:
    """When an idle connection closes under a request, it is asked again on a new one."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    connections = 0

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await reader.readuntil(b"\r\n\r\n")  # the next request meets a closing connection
        writer.close()

    server = await asyncio.start_server(answer_once, "127.0.0.1", 0)
    rooms = LiveKitRooms(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", "key", SECRET)
    await rooms.check()
    await rooms.check()
    assert connections == 2
    await rooms.close()
    server.close()
