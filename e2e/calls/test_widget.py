"""The widget's way: a caller joins the agent's room and nobody calls create."""

from e2e.testbed.testbed import Place


async def test_the_agent_comes_by_itself(place: Place) -> None:
    """The agent joins its room, answers, and leaves a session row of its own that ends."""
    await place.register()
    async with place.person_in(place.widget_room) as person:
        await person.hears_greeting()
        await person.is_answered("weather")
        row = await place.rows.session_of_room_when(
            place.widget_room, lambda row: row["status"] == "active"
        )
        assert row["agent_id"] == place.agent_id
        assert len(await place.rows.sessions_of_room(place.widget_room)) == 1
        assert len(person.caller.agents) == 1
    await place.rows.session_when(row["session_id"], lambda row: row["status"] == "ended")


async def test_the_agent_comes_again(place: Place) -> None:
    """Whoever joins the agent's room soon after the last caller left is greeted all the same."""
    await place.register()
    sessions = []
    for _ in range(2):
        async with place.person_in(place.widget_room) as person:
            await person.hears_greeting()
        row = await place.rows.session_of_room_when(
            place.widget_room, lambda row: row["status"] == "ended"
        )
        sessions.append(row["session_id"])
    assert len(set(sessions)) == 2


async def test_a_session_created_in_the_widgets_room_brings_one_agent(place: Place) -> None:
    """Create for `agent-<id>-room` gives one job with the session's id, not a second automatic one."""
    await place.register()
    session_id = await place.api.create(place.agent_id, place.widget_room)
    async with place.person_in(place.widget_room) as person:
        await person.hears_greeting()
        assert len(person.caller.agents) == 1
        rows = await place.rows.sessions_of_room(place.widget_room)
        assert [row["session_id"] for row in rows] == [session_id]
        await place.api.end(session_id)
        await person.caller.agent_left()


async def test_a_session_created_in_a_room_where_the_caller_waits(place: Place) -> None:
    """A caller who joined before create gets the agent all the same, once."""
    await place.register()
    room = place.new_room()
    async with place.person_in(room) as person:
        session_id = await place.api.create(place.agent_id, room)
        await person.hears_greeting()
        assert len(person.caller.agents) == 1
        await place.rows.session_when(session_id, lambda row: row["status"] == "active")
        # By the first dispatch: nobody had to ask again.
        assert await place.rows.events(session_id) == ["created", "claimed", "talking"]
        await place.api.end(session_id)
