"""Taking an agent out of its room, on every stage of its way there."""

import asyncio

from livekit import api, rtc

from agent_runtime.domain.session import agent_identity, new_session
from agent_runtime.livekit_api.rooms import LiveKitRooms
from fixtures.caller import room_token
from fixtures.servers import LiveKitServer


async def test_an_agent_in_the_room_is_removed(rooms: LiveKitRooms, livekit: LiveKitServer) -> None:
    """The participant with the session's identity is disconnected as removed; the caller stays."""
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


async def test_an_agent_on_its_way_loses_its_dispatch(
    rooms: LiveKitRooms, admin: api.LiveKitAPI
) -> None:
    """Before the agent has joined, its dispatch is deleted; another session's dispatch stays."""
    first, second = (new_session(7, 3, "empty-room") for _ in range(2))
    for session in (first, second):
        await rooms.dispatch(session, {})

    await rooms.remove_agent(first)

    left = await admin.agent_dispatch.list_dispatch("empty-room")
    assert [second.session_id in dispatch.metadata for dispatch in left] == [True]


async def test_nobody_to_remove_is_fine(rooms: LiveKitRooms) -> None:
    """A room that is not there is no error."""
    await rooms.remove_agent(new_session(7, 3, "no-such-room"))


async def test_a_room_that_was_closed_is_fine(rooms: LiveKitRooms, admin: api.LiveKitAPI) -> None:
    """Neither is one that was closed meanwhile."""
    session = new_session(7, 3, "closed-room")
    await rooms.dispatch(session, {})
    await admin.room.delete_room(api.DeleteRoomRequest(room="closed-room"))
    await rooms.remove_agent(session)
