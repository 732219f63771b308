"""Two calls at once."""

import asyncio

from e2e.testbed.testbed import Place


async def test_two_callers_do_not_hear_each_other(place: Place) -> None:
    """Two callers of one agent ask different questions at once; each hears the answer to its own."""
    await place.register()
    rooms = [place.new_room(), place.new_room()]
    sessions = [await place.api.create(place.agent_id, room) for room in rooms]
    async with place.person_in(rooms[0]) as ada, place.person_in(rooms[1]) as bob:
        await asyncio.gather(ada.hears_greeting(), bob.hears_greeting())
        for of_ada, of_bob in (("weather", "table"), ("opening", "weather")):
            await asyncio.gather(ada.is_answered(of_ada), bob.is_answered(of_bob))
        assert (await place.api.agent(place.agent_id))["activeSessions"] == 2
    for session_id in sessions:
        row = await place.rows.session_when(session_id, lambda row: row["status"] == "ended")
        assert row["duration_seconds"] >= 2
