"""SIGKILL of livekit-server and its restart on the same address, without its rooms."""

import asyncio
from pathlib import Path

from e2e.faults.call import greeted
from e2e.testbed.stacks import StartStack
from e2e.testbed.testbed import open_testbed
from fixtures.servers.livekit import start_process
from fixtures.speech import Recogniser


async def test_caller_and_agent_find_each_other_again(
    start_stack: StartStack, recogniser: Recogniser, tmp_path: Path
) -> None:
    """The caller's client reconnects by itself, and the session's agent returns exactly once."""
    livekit = start_process(tmp_path / "first")
    assert livekit.process is not None
    servers = [livekit.process]
    try:
        with start_stack(livekit) as stack:
            async with (
                open_testbed(stack, livekit, recogniser, tmp_path) as testbed,
                greeted(testbed) as call,
            ):
                await asyncio.to_thread(livekit.process.kill)
                again: list[object] = []
                await asyncio.to_thread(
                    lambda: again.append(start_process(tmp_path / "second", like=livekit))
                )
                servers.append(again[0].process)  # type: ignore[attr-defined]
                await call.agent_is_back()
                await call.goes_on()
                await call.ends()
    finally:
        for server in servers:
            await asyncio.to_thread(server.stop)
