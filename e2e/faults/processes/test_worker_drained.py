"""A new worker replaces another one while callers arrive, as in a rolling update."""

import asyncio
import signal

from e2e.faults.call import greeted, second_worker
from e2e.testbed.testbed import Testbed


async def test_no_call_is_lost_and_none_refused(own_testbed: Testbed) -> None:
    """The old worker's call continues to its end; the new worker serves the callers who arrive."""
    testbed = own_testbed
    old = testbed.stack.worker
    assert old is not None
    async with greeted(testbed) as call, second_worker(testbed) as new:
        old.send(signal.SIGTERM)
        sessions = []
        for _ in range(3):
            room = testbed.new_room()
            sessions.append(await testbed.api.create(testbed.agent_id, room))
            async with testbed.person_in(room) as person:
                await person.hears_greeting()
        await call.goes_on()
        await call.ends()
        assert await asyncio.to_thread(old.wait) == 0
        assert new.returncode is None
    for session_id in sessions:
        row = await testbed.rows.session_when(session_id, lambda row: row["status"] == "ended")
        assert row["metadata"]["reason"] == "the caller left"
