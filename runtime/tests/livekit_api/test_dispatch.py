"""A dispatch brings exactly one job for a session, whatever the room's state."""

import json

from livekit import api

from agent_runtime.domain.session import new_session
from agent_runtime.livekit_api.rooms import LiveKitRooms
from fixtures.caller import Caller, room_token
from fixtures.servers import LiveKitServer
from fixtures.servers.offers import Offers


async def test_a_new_room_gets_one_job(rooms: LiveKitRooms, offers: Offers) -> None:
    """A new room is created and one job offered, with the session's ids and the caller's name."""
    session = new_session(7, 3, "new-room")
    await rooms.dispatch(session, {"participantName": "Ada"})
    assert await offers.of_room("new-room") == [
        {
            "agentId": 7,
            "sessionId": session.session_id,
            "tenantId": 3,
            "participantName": "Ada",
        }
    ]


async def test_an_agents_room_gets_no_second_automatic_job(
    rooms: LiveKitRooms, offers: Offers
) -> None:
    """A new room with an agent's name gets the session's job instead of the automatic one."""
    session = new_session(7, 3, "agent-7-room")
    await rooms.dispatch(session, {})
    (metadata,) = await offers.of_room("agent-7-room")
    assert metadata["sessionId"] == session.session_id


async def test_an_occupied_room_gets_one_more_job(
    rooms: LiveKitRooms, offers: Offers, livekit: LiveKitServer
) -> None:
    """A room that exists already gets the session's job, once."""
    token = room_token(livekit.api_key, livekit.api_secret, "waiting-room", "caller")
    async with Caller(livekit.url, token):
        assert await offers.of_room("waiting-room") == [{}]  # the automatic one, on joining
        session = new_session(7, 3, "waiting-room")
        await rooms.dispatch(session, {})
        (metadata,) = await offers.of_room("waiting-room")
        assert metadata["sessionId"] == session.session_id


async def test_two_sessions_of_a_room_are_two_jobs(rooms: LiveKitRooms, offers: Offers) -> None:
    """Each session in the same room gets its own job, once."""
    sessions = [new_session(7, 3, "shared-room") for _ in range(2)]
    for session in sessions:
        await rooms.dispatch(session, {})
    found = await offers.of_room("shared-room")
    assert [metadata["sessionId"] for metadata in found] == [s.session_id for s in sessions]


async def test_a_room_that_was_deleted_gets_a_new_job(
    rooms: LiveKitRooms, offers: Offers, admin: api.LiveKitAPI
) -> None:
    """After the room was deleted, its next session gets its own job and no older one."""
    await rooms.dispatch(new_session(7, 3, "again-room"), {})
    await offers.of_room("again-room")
    await admin.room.delete_room(api.DeleteRoomRequest(room="again-room"))
    session = new_session(7, 3, "again-room")
    await rooms.dispatch(session, {})
    found = await offers.of_room("again-room")
    assert [metadata["sessionId"] for metadata in found] == [session.session_id]


async def test_a_redispatch_replaces_earlier_dispatches_only(
    rooms: LiveKitRooms, admin: api.LiveKitAPI
) -> None:
    """A redispatch that was delayed keeps the dispatches that came after it."""
    session = new_session(7, 3, "held-up-room")
    await rooms.dispatch(session, {})
    for number, left in ((3, [3]), (2, [2, 3])):
        await rooms.redispatch(session, {}, number)
        found = await admin.agent_dispatch.list_dispatch("held-up-room")
        assert sorted(json.loads(one.metadata)["dispatchNumber"] for one in found) == left


async def test_every_dispatch_is_reported(livekit: LiveKitServer) -> None:
    """`on_dispatch` gets the session of every dispatch, after the room exists."""
    reported: list[str] = []
    rooms = LiveKitRooms(
        livekit.url,
        livekit.api_key,
        livekit.api_secret,
        on_dispatch=reported.append,
    )
    session = new_session(7, 3, "reported-room")
    await rooms.dispatch(session, {"name": "Ada"})
    assert reported == [session.session_id]
    await rooms.redispatch(session, {"name": "Ada"}, 2)
    assert reported == [session.session_id] * 2
    await rooms.close()
