"""Calls from the widget: the caller joins the agent's room, without a create over HTTP."""

import asyncio
import time

from livekit import rtc

from e2e.testbed.testbed import Testbed
from fixtures.caller import room_token

# Seconds that a busy test machine may add.
MACHINE = 1.0


async def test_the_agent_comes_by_itself(testbed: Testbed) -> None:
    """The agent joins the caller's room and answers; the call has one session row, which ends."""
    await testbed.register()
    async with testbed.person_in(testbed.widget_room) as person:
        await person.hears_greeting()
        await person.is_answered("weather")
        row = await testbed.rows.session_of_room_when(
            testbed.widget_room, lambda row: row["status"] == "active"
        )
        assert row["agent_id"] == testbed.agent_id
        assert len(await testbed.rows.sessions_of_room(testbed.widget_room)) == 1
        assert len(person.caller.agents) == 1
    await testbed.rows.session_when(row["session_id"], lambda row: row["status"] == "ended")


async def test_the_agent_comes_again(testbed: Testbed) -> None:
    """A caller who joins the agent's room soon after the last one left is greeted, too."""
    await testbed.register()
    sessions = []
    for _ in range(2):
        async with testbed.person_in(testbed.widget_room) as person:
            await person.hears_greeting()
        row = await testbed.rows.session_of_room_when(
            testbed.widget_room, lambda row: row["status"] == "ended"
        )
        sessions.append(row["session_id"])
    assert len(set(sessions)) == 2


async def test_a_session_created_in_the_widgets_room_brings_one_agent(testbed: Testbed) -> None:
    """A create for `agent-<id>-room` starts one job, with the session's id, and no automatic second job."""
    await testbed.register()
    session_id = await testbed.api.create(testbed.agent_id, testbed.widget_room)
    async with testbed.person_in(testbed.widget_room) as person:
        await person.hears_greeting()
        assert len(person.caller.agents) == 1
        rows = await testbed.rows.sessions_of_room(testbed.widget_room)
        assert [row["session_id"] for row in rows] == [session_id]
        await testbed.api.end(session_id)
        await person.caller.agent_left()


async def test_a_session_created_in_a_room_where_the_caller_waits(testbed: Testbed) -> None:
    """A caller who joined before the create gets exactly one agent."""
    await testbed.register()
    room = testbed.new_room()
    async with testbed.person_in(room) as person:
        session_id = await testbed.api.create(testbed.agent_id, room)
        await person.hears_greeting()
        assert len(person.caller.agents) == 1
        await testbed.rows.session_when(session_id, lambda row: row["status"] == "active")
        # The first dispatch brought the agent: no second request was needed.
        assert await testbed.rows.events(session_id) == ["created", "claimed", "talking"]
        await testbed.api.end(session_id)


async def test_a_page_that_is_reloaded_goes_on_with_its_call(testbed: Testbed) -> None:
    """A caller who is back soon after leaving finds the same agent, which does not greet again."""
    await testbed.register()
    async with testbed.person_in(testbed.widget_room) as person:
        await person.hears_greeting()
    for away in (0.5, 1.05, 2.0, 3.0):
        await asyncio.sleep(away)
        async with testbed.person_in(testbed.widget_room) as person:
            await asyncio.sleep(0.5)  # until the agent has subscribed to the new microphone
            await person.is_answered("weather")
            assert person.caller.disconnected_because is None
    assert len(await testbed.rows.sessions_of_room(testbed.widget_room)) == 1


async def test_a_page_that_publishes_nothing_yet_keeps_its_call(testbed: Testbed) -> None:
    """The agent stays for a caller who came back and whom LiveKit announces late: without a sound yet."""
    await testbed.register()
    room = testbed.widget_room
    async with testbed.person_in(room) as person:
        await person.hears_greeting()
    await asyncio.sleep(3.4)
    page, server = rtc.Room(), testbed.livekit
    await page.connect(server.url, room_token(server.api_key, server.api_secret, room, "page"))
    await asyncio.sleep(3)
    (row,) = await testbed.rows.sessions_of_room(room)
    assert (row["status"], page.isconnected()) == ("active", True)
    await page.disconnect()


async def test_a_caller_after_the_end_gets_an_agent_at_once(testbed: Testbed) -> None:
    """Who joins after a session was ended over HTTP has an agent within 2 s; a page that stays has none."""
    await testbed.register()
    async with testbed.person_in(testbed.widget_room, "stays") as stays:
        await stays.hears_greeting()
        (row,) = await testbed.rows.sessions_of_room(testbed.widget_room)
        await testbed.api.end(row["session_id"])
        await stays.caller.agent_left()
        await asyncio.sleep(3)
        assert stays.caller.agents == []
        async with testbed.person_in(testbed.widget_room, "comes") as comes:
            began = time.monotonic()
            await comes.caller.agent_joined()
            assert time.monotonic() - began < 2 + MACHINE
