"""A worker is replaced by another while callers come, as in a rolling update."""

import asyncio
import signal

from e2e.faults.call import greeted, second_worker
from e2e.testbed.testbed import Place


async def test_no_call_is_lost_and_none_refused(own_place: Place) -> None:
    """The old worker's call goes on to its end; whoever comes meanwhile is served by the new one."""
    place = own_place
    old = place.stack.worker
    assert old is not None
    async with greeted(place) as call, second_worker(place) as new:
        old.send(signal.SIGTERM)
        sessions = []
        for _ in range(3):
            room = place.new_room()
            sessions.append(await place.api.create(place.agent_id, room))
            async with place.person_in(room) as person:
                await person.hears_greeting()
        await call.goes_on()
        await call.ends()
        assert await asyncio.to_thread(old.wait) == 0
        assert new.returncode is None
    for session_id in sessions:
        row = await place.rows.session_when(session_id, lambda row: row["status"] == "ended")
        assert row["metadata"]["reason"] == "the caller left"
