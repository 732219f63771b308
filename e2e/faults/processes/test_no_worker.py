"""No worker runs: LiveKit drops a dispatch for which it finds no worker."""

import asyncio
import time

from e2e.faults.call import Call
from e2e.testbed.stacks import StartStack
from e2e.testbed.testbed import Testbed, open_testbed
from fixtures.servers import LiveKitServer
from fixtures.speech import Recogniser


async def test_a_session_waits_for_a_worker(own_testbed: Testbed) -> None:
    """A session that was created without a worker gets its agent as soon as a worker starts."""
    testbed = own_testbed
    assert testbed.stack.worker is not None
    await testbed.register()
    await asyncio.to_thread(testbed.stack.worker.stop)
    room = testbed.new_room()
    session_id = await testbed.api.create(testbed.agent_id, room)
    async with testbed.person_in(room) as person:
        await asyncio.to_thread(testbed.stack.start_worker)
        await person.hears_greeting()
        call = Call(testbed, session_id, person)
        await call.goes_on()
        await call.ends()


async def test_a_session_without_a_worker_ends_with_the_reason(
    start_stack: StartStack, own_livekit: LiveKitServer, recogniser: Recogniser, tmp_path: object
) -> None:
    """After the deadline the session has status error and a reason, and the caller is disconnected."""
    with start_stack(own_livekit, SESSION_AGENT_DEADLINE="4") as stack:
        async with open_testbed(stack, own_livekit, recogniser, tmp_path) as testbed:  # type: ignore[arg-type]
            assert stack.worker is not None
            await testbed.register()
            await asyncio.to_thread(stack.worker.stop)
            session_id = await testbed.api.create(testbed.agent_id, testbed.widget_room)
            async with testbed.person_in(testbed.widget_room) as person:
                began = time.monotonic()
                row = await testbed.rows.session_when(
                    session_id, lambda row: row["status"] == "error"
                )
                assert time.monotonic() - began < 10
                assert "no worker is there" in row["metadata"]["reason"]
                await person.caller.disconnected()
