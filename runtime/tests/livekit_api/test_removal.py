"""Removing an agent from its room, before and after it has joined."""

import asyncio

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
    for room, identity in ((agent, agent_identity(session.session_id)), (caller, "caller")):
        token = room_token(livekit.api_key, livekit.api_secret, "full-room", identity)
        await room.connect(livekit.url, token)

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
