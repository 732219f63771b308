"""Refused calls, and how the refusal is reported."""

import asyncio

import pytest

from e2e.testbed.testbed import Testbed
from fixtures.runtime_client.api import ApiError


async def test_an_agent_that_is_not_registered(testbed: Testbed) -> None:
    """Creating a session of an unknown agent answers 400 with the Node.js text, and writes no row."""
    room = testbed.new_room()
    with pytest.raises(ApiError, match=f"Agent {testbed.agent_id} not registered") as refused:
        await testbed.api.create(testbed.agent_id, room)
    assert refused.value.status == 400
    assert await testbed.rows.sessions_of_room(room) == []


async def test_no_agent_joins_the_room_of_an_unknown_agent(testbed: Testbed) -> None:
    """No agent joins the widget's room of an unknown agent; the worker logs the reason."""
    worker = testbed.stack.worker
    assert worker is not None
    since = worker.mark()
    async with testbed.person_in(testbed.widget_room) as person:
        await asyncio.to_thread(
            worker.wait_for, f"Agent {testbed.agent_id} is unknown", 15, since=since
        )
        await person.caller.agent_left()
    assert await testbed.rows.sessions_of_room(testbed.widget_room) == []


async def test_a_room_of_another_application(testbed: Testbed) -> None:
    """A room whose name names no agent gets none; the worker logs the refusal with its reason."""
    worker = testbed.stack.worker
    assert worker is not None
    since = worker.mark()
    room = testbed.new_room()
    async with testbed.person_in(room) as person:
        await asyncio.to_thread(worker.wait_for, f"{room}.* is not named", 15, since=since)
        assert person.caller.agents == []


async def test_a_second_agent_for_the_same_room(testbed: Testbed) -> None:
    """A room has one agent: a second session in the room ends with status error and the reason."""
    await testbed.register()
    room = testbed.new_room()
    first = await testbed.api.create(testbed.agent_id, room)
    async with testbed.person_in(room) as person:
        await person.hears_greeting()
        second = await testbed.api.create(testbed.agent_id, room)
        row = await testbed.rows.session_when(second, lambda row: row["status"] == "error")
        assert "already has an agent" in row["metadata"]["reason"]
        await person.is_answered("weather")
        assert (await testbed.api.session(first))["status"] == "active"
        await testbed.api.end(first)


async def test_capacity(testbed: Testbed) -> None:
    """At capacity a create is refused with the Node.js text; the end of a session frees capacity."""
    await testbed.register(maxConcurrentSessions=2)
    sessions = [await testbed.api.create(testbed.agent_id, testbed.new_room()) for _ in range(2)]
    with pytest.raises(ApiError, match=r"is at capacity \(2 sessions\)") as refused:
        await testbed.api.create(testbed.agent_id, testbed.new_room())
    assert refused.value.status == 400
    await testbed.api.end(sessions[0])
    sessions[0] = await testbed.api.create(testbed.agent_id, testbed.new_room())
    for session_id in sessions:
        await testbed.api.end(session_id)
