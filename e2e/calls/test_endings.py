"""How calls end: the caller leaves, the session is ended, the agent is deleted."""

from e2e.testbed.testbed import Place


async def test_the_caller_leaves(place: Place) -> None:
    """When the caller hangs up, the row ends with duration and reason, and the capacity is free."""
    await place.register()
    room = place.new_room()
    session_id = await place.api.create(place.agent_id, room)
    async with place.person_in(room) as person:
        await person.hears_greeting()
    row = await place.rows.session_when(session_id, lambda row: row["status"] == "ended")
    assert row["metadata"]["reason"] == "the caller left"
    assert row["duration_seconds"] >= 2
    assert (await place.api.agent(place.agent_id))["activeSessions"] == 0


async def test_ended_over_http(place: Place) -> None:
    """Ending over HTTP takes the agent out of the room; the caller stays, and ending again is fine."""
    await place.register()
    room = place.new_room()
    session_id = await place.api.create(place.agent_id, room)
    async with place.person_in(room) as person:
        await person.hears_greeting()
        await place.api.end(session_id)
        await person.caller.agent_left()
        assert person.caller.disconnected_because is None
        await place.api.end(session_id)
    row = await place.rows.session_when(session_id, lambda row: row["status"] == "ended")
    assert row["metadata"]["reason"] == "ended over HTTP"


async def test_ended_before_the_caller_came(place: Place) -> None:
    """A session that is ended while its agent is on the way stays ended, and no agent stays."""
    await place.register()
    room = place.new_room()
    session_id = await place.api.create(place.agent_id, room)
    await place.api.end(session_id)
    async with place.person_in(room) as person:
        await person.caller.agent_left()
    row = await place.rows.session_when(session_id, lambda row: row["status"] == "ended")
    assert row["metadata"]["reason"] == "ended over HTTP"


async def test_the_agent_is_deleted(place: Place) -> None:
    """Deleting the agent ends its calls, takes it out of the rooms, and no new call is possible."""
    await place.register()
    room = place.new_room()
    session_id = await place.api.create(place.agent_id, room)
    async with place.person_in(room) as person:
        await person.hears_greeting()
        await place.api.unregister(place.agent_id)
        await person.caller.agent_left()
    row = await place.rows.session_when(session_id, lambda row: row["status"] == "ended")
    assert row["metadata"]["reason"] == "the agent was deleted"
    assert not (await place.api.agent(place.agent_id))["registered"]
