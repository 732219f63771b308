"""How calls end: the caller leaves, the session is ended, the agent is deleted."""

from e2e.testbed.testbed import Testbed


async def test_the_caller_leaves(testbed: Testbed) -> None:
    """When the caller hangs up, the row has duration and reason, and the session's capacity is free."""
    await testbed.register()
    room = testbed.new_room()
    session_id = await testbed.api.create(testbed.agent_id, room)
    async with testbed.person_in(room) as person:
        await person.hears_greeting()
    row = await testbed.rows.session_when(session_id, lambda row: row["status"] == "ended")
    assert row["metadata"]["reason"] == "the caller left"
    assert row["duration_seconds"] >= 2
    assert (await testbed.api.agent(testbed.agent_id))["activeSessions"] == 0


async def test_ended_over_http(testbed: Testbed) -> None:
    """Ending over HTTP removes the agent from the room; the caller stays. A second end succeeds."""
    await testbed.register()
    room = testbed.new_room()
    session_id = await testbed.api.create(testbed.agent_id, room)
    async with testbed.person_in(room) as person:
        await person.hears_greeting()
        await testbed.api.end(session_id)
        await person.caller.agent_left()
        assert person.caller.disconnected_because is None
        await testbed.api.end(session_id)
    row = await testbed.rows.session_when(session_id, lambda row: row["status"] == "ended")
    assert row["metadata"]["reason"] == "ended over HTTP"


async def test_the_room_of_a_session_ends_with_it(testbed: Testbed) -> None:
    """Ending over HTTP closes a room that was made for the session, which tells its callers."""
    await testbed.register()
    session_id = await testbed.api.create(testbed.agent_id, "")
    async with testbed.person_in(f"session-{session_id}") as person:
        await person.hears_greeting()
        await testbed.api.end(session_id)
        assert await person.caller.disconnected() == "ROOM_DELETED"
    row = await testbed.rows.session_when(session_id, lambda row: row["status"] == "ended")
    assert row["metadata"]["reason"] == "ended over HTTP"


async def test_ended_before_the_caller_came(testbed: Testbed) -> None:
    """A session that is ended before its agent has joined stays ended, and no agent stays."""
    await testbed.register()
    room = testbed.new_room()
    session_id = await testbed.api.create(testbed.agent_id, room)
    await testbed.api.end(session_id)
    async with testbed.person_in(room) as person:
        await person.caller.agent_left()
    row = await testbed.rows.session_when(session_id, lambda row: row["status"] == "ended")
    assert row["metadata"]["reason"] == "ended over HTTP"


async def test_the_agent_is_deleted(testbed: Testbed) -> None:
    """Deleting the agent ends its calls and removes it from the rooms; new calls are impossible."""
    await testbed.register()
    room = testbed.new_room()
    session_id = await testbed.api.create(testbed.agent_id, room)
    async with testbed.person_in(room) as person:
        await person.hears_greeting()
        await testbed.api.unregister(testbed.agent_id)
        await person.caller.agent_left()
    row = await testbed.rows.session_when(session_id, lambda row: row["status"] == "ended")
    assert row["metadata"]["reason"] == "the agent was deleted"
    assert not (await testbed.api.agent(testbed.agent_id))["registered"]
