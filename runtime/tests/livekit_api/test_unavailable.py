"""What is said when LiveKit is not there, does not answer, or refuses."""

import asyncio
import time

import pytest

from agent_runtime.domain.errors import LiveKitUnavailable
from agent_runtime.domain.session import new_session
from agent_runtime.livekit_api.rooms import LiveKitRooms
from fixtures.processes.ports import free_ports
from fixtures.servers import LiveKitServer

SECRET = "the-secret-that-nobody-may-read-in-a-log"


async def test_it_is_there(rooms: LiveKitRooms) -> None:
    """A check of a server that answers returns."""
    await rooms.check()


async def test_nobody_listens() -> None:
    """A server that cannot be reached is named with its port, without the secret."""
    (port,) = free_ports(1)
    rooms = LiveKitRooms(f"ws://127.0.0.1:{port}", "key", SECRET)
    with pytest.raises(
        LiveKitUnavailable, match=rf"127\.0\.0\.1:{port} is not reachable"
    ) as failed:
        await rooms.dispatch(new_session(7, 3, "room"), {})
    assert SECRET not in str(failed.value)
    with pytest.raises(LiveKitUnavailable):
        await rooms.check()
    await rooms.close()


async def test_it_accepts_and_never_answers() -> None:
    """A server that does not answer is given up after the timeout, which the text names."""
    silent = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    rooms = LiveKitRooms(f"ws://127.0.0.1:{port}", "key", SECRET, timeout=0.3)
    began = time.monotonic()
    with pytest.raises(LiveKitUnavailable, match=r"did not answer within 0\.3 s"):
        await rooms.dispatch(new_session(7, 3, "room"), {})
    assert time.monotonic() - began < 5
    await rooms.close()
    silent.close()


async def test_it_refuses_the_key(livekit: LiveKitServer) -> None:
    """With a wrong secret LiveKit is there and refuses; the text says that it refused."""
    rooms = LiveKitRooms(livekit.url, livekit.api_key, SECRET)
    with pytest.raises(LiveKitUnavailable, match="refused") as failed:
        await rooms.dispatch(new_session(7, 3, "room"), {})
    assert SECRET not in str(failed.value)
    await rooms.close()
