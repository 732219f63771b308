"""Removing an agent from its room, before and after it has joined."""

import asyncio
from typing import Any

import pytest
from livekit import api, rtc

from agent_runtime.domain.session import agent_identity, new_session
from agent_runtime.livekit_api.rooms import LiveKitRooms
from fixtures.caller import room_token
from fixtures.servers import LiveKitServer


async def test_an_agent_in_the_room_is_removed(rooms: LiveKitRooms, livekit: LiveKitServer) -> None:
    """The session's agent is disconnected with the reason "removed"; the caller stays."""
    session = new_session(7, 3, "full-room")
    await rooms.dispatch(session, {})
    agent, caller = rtc.Room(), rtc.Room()
    removed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    agent.on("disconnected", removed.set_result)
    key, secret = livekit.api_key, livekit.api_secret
    own = agent_identity(session.session_id)
    await agent.connect(livekit.url, room_token(key, secret, "full-room", own, "agent"))
    await caller.connect(livekit.url, room_token(key, secret, "full-room", "caller"))

    await rooms.remove_agent(session)

    reason = await asyncio.wait_for(removed, 5)
    assert reason == rtc.DisconnectReason.PARTICIPANT_REMOVED
    assert caller.isconnected()
    await caller.disconnect()


async def test_an_agent_that_has_not_joined_loses_its_dispatch(
    rooms: LiveKitRooms, admin: api.LiveKitAPI
) -> None:
    """While the agent has not joined, its dispatch is deleted; another session's dispatch stays."""
    first, second = (new_session(7, 3, "empty-room") for _ in range(2))
    for session in (first, second):
        await rooms.dispatch(session, {})

    await rooms.remove_agent(first)

    left = await admin.agent_dispatch.list_dispatch("empty-room")
    assert [second.session_id in dispatch.metadata for dispatch in left] == [True]


async def test_a_missing_room_is_no_error(rooms: LiveKitRooms) -> None:
    """Removing an agent from a room that does not exist is no error."""
    await rooms.remove_agent(new_session(7, 3, "no-such-room"))


async def test_a_deleted_room_is_no_error(rooms: LiveKitRooms, admin: api.LiveKitAPI) -> None:
    """Removing an agent from a room that was deleted meanwhile is no error."""
    session = new_session(7, 3, "closed-room")
    await rooms.dispatch(session, {})
    await admin.room.delete_room(api.DeleteRoomRequest(room="closed-room"))
    await rooms.remove_agent(session)


@pytest.mark.parametrize("form", ["{}", "{}.2", "agent-{}", "agent-{}.2"])
async def test_a_caller_is_never_removed(
    rooms: LiveKitRooms, livekit: LiveKitServer, form: str
) -> None:
    """A caller whose identity is the session's id, or the agent's own, stays in the room."""
    session = new_session(7, 3, "look-alike-room")
    identity = form.format(session.session_id)
    caller = rtc.Room()
    token = room_token(livekit.api_key, livekit.api_secret, session.room_name, identity)
    await caller.connect(livekit.url, token)
    try:
        await rooms.remove_agent(session)
        await rooms.redispatch(session, {}, 3)
        assert await rooms.count_callers(session.room_name) == 1
    finally:
        await caller.disconnect()


async def test_only_callers_are_counted(rooms: LiveKitRooms, livekit: LiveKitServer) -> None:
    """Agents, recorders, hidden listeners and an audience are no callers, and nor is another identity."""
    room_name = "crowded-room"
    crowd: list[tuple[str, Any, dict[str, bool]]] = [
        ("person", None, {}),
        ("telephone", "sip", {}),
        ("agent-x", "agent", {}),
        ("recorder", "egress", {}),
        ("hidden-recorder", "egress", {"hidden": True, "recorder": True}),
        ("hidden", None, {"hidden": True}),
        ("audience", None, {"can_publish": False}),
    ]
    joined = []
    for identity, kind, grants in crowd:
        room = rtc.Room()
        key, secret = livekit.api_key, livekit.api_secret
        token = room_token(key, secret, room_name, identity, kind, **grants)
        await room.connect(livekit.url, token)
        joined.append(room)
    try:
        assert await rooms.count_callers(room_name) == 2
        assert await rooms.count_callers(room_name, "telephone") == 1
        assert await rooms.count_callers(room_name, "recorder") == 0
    finally:
        for room in joined:
            await room.disconnect()
