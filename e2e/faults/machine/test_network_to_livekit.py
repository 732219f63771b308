"""The network between a worker and LiveKit is cut: all bytes are lost, and no connection is closed."""

import asyncio
import re
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from e2e.faults.call import greeted, second_worker
from e2e.testbed.testbed import Testbed
from fixtures.faults.toxiproxy import proxy_to


async def test_another_worker_goes_on(own_testbed: Testbed, tmp_path: Path) -> None:
    """An agent without a network loses its session to a worker that reaches LiveKit."""
    testbed = own_testbed
    first = testbed.stack.worker
    assert first is not None
    with proxy_to(urlsplit(testbed.livekit.url).netloc, tmp_path / "proxy") as line:
        async with second_worker(testbed, LIVEKIT_URL=f"ws://127.0.0.1:{line.port}") as far:
            await asyncio.to_thread(first.stop)
            async with greeted(testbed) as call:
                await call.job(far)
                near = await asyncio.to_thread(testbed.stack.start_worker)
                await asyncio.to_thread(line.cut)
                # LiveKit's client detects a silent connection by its pings, after 15 s.
                await call.job(near, within=40)
                await call.goes_on()
                await call.ends()


async def test_new_sessions_go_to_the_worker_that_reaches_it(
    own_testbed: Testbed, tmp_path: Path
) -> None:
    """A worker without LiveKit still gets dispatch notifications, but claims no session."""
    testbed = own_testbed
    near = testbed.stack.worker
    assert near is not None
    await testbed.register()
    with proxy_to(urlsplit(testbed.livekit.url).netloc, tmp_path / "proxy") as line:
        async with second_worker(testbed, LIVEKIT_URL=f"ws://127.0.0.1:{line.port}") as far:
            await asyncio.to_thread(line.cut)
            await asyncio.to_thread(lambda: far.wait_for("LiveKit is unreachable", 20))
            # If both workers claimed sessions, each would claim every second one.
            for _ in range(5):
                session_id = await testbed.api.create(testbed.agent_id, testbed.new_room())
                joined = f"(?=.*agent is in the room)(?=.*{re.escape(session_id)})"
                await asyncio.to_thread(partial(near.wait_for, joined, 5))
                await testbed.api.end(session_id)
