"""Two calls at the same time."""

import asyncio

from e2e.testbed.testbed import Testbed


async def test_two_callers_do_not_hear_each_other(testbed: Testbed) -> None:
    """Two callers of one agent ask different questions at the same time; each hears only its own answer."""
    await testbed.register()
    rooms = [testbed.new_room(), testbed.new_room()]
    sessions = [await testbed.api.create(testbed.agent_id, room) for room in rooms]
    async with testbed.person_in(rooms[0]) as ada, testbed.person_in(rooms[1]) as bob:
        await asyncio.gather(ada.hears_greeting(), bob.hears_greeting())
        for of_ada, of_bob in (("weather", "table"), ("opening", "weather")):
            await asyncio.gather(ada.is_answered(of_ada), bob.is_answered(of_bob))
        assert (await testbed.api.agent(testbed.agent_id))["activeSessions"] == 2
    for session_id in sessions:
        row = await testbed.rows.session_when(session_id, lambda row: row["status"] == "ended")
        assert row["duration_seconds"] >= 2
