"""LiveKitUnavailable names what is wrong: no server, no response, or a refusal."""

import asyncio
import time

import pytest

from agent_runtime.domain.errors import LiveKitUnavailable
from agent_runtime.domain.session import new_session
from agent_runtime.livekit_api.rooms import LiveKitRooms
from fixtures.processes.ports import free_ports
from fixtures.servers import LiveKitServer

SECRET = "the-secret-that-nobody-may-read-in-a-log"


async def test_a_running_server_passes_the_check(rooms: LiveKitRooms) -> None:
    """The check of a server that responds returns."""
    await rooms.check()


async def test_an_unreachable_server_is_named() -> None:
    """The error names host and port of a server that cannot be reached, and never the secret."""
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


async def test_a_server_that_never_responds_times_out() -> None:
    """A request that gets no response fails after the timeout, which the error names."""
    writers: list[asyncio.StreamWriter] = []  # one that nobody holds closes its connection
    silent = await asyncio.start_server(lambda _r, w: writers.append(w), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    rooms = LiveKitRooms(f"ws://127.0.0.1:{port}", "key", SECRET, timeout=0.3)
    began = time.monotonic()
    with pytest.raises(LiveKitUnavailable, match=r"did not answer within 0\.3 s"):
        await rooms.dispatch(new_session(7, 3, "room"), {})
    assert time.monotonic() - began < 5
    await rooms.close()
    for writer in writers:
        writer.close()
    silent.close()


async def test_a_wrong_key_is_refused(livekit: LiveKitServer) -> None:
    """With a wrong secret the error says that LiveKit refused, and never shows the secret."""
    rooms = LiveKitRooms(livekit.url, livekit.api_key, SECRET)
    with pytest.raises(LiveKitUnavailable, match="refused") as failed:
        await rooms.dispatch(new_session(7, 3, "room"), {})
    assert SECRET not in str(failed.value)
    await rooms.close()
