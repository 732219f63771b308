"""Dispatches an agent to a room."""

from __future__ import annotations

import json

from livekit import api

from load.http.baseline.tables import Session


async def dispatch(livekit: api.LiveKitAPI, session: Session) -> None:
    """Launch exactly one job for the session, whether its room exists or not, as our API does.

    CreateRoom launches its dispatches only when it creates the room.
    """
    metadata = json.dumps(
        {
            "agentId": session.agent_id,
            "sessionId": session.session_id,
            "tenantId": session.tenant_id,
        }
    )
    agent = api.RoomAgentDispatch(metadata=metadata)
    await livekit.room.create_room(api.CreateRoomRequest(name=session.room_name, agents=[agent]))
    launched = await livekit.agent_dispatch.list_dispatch(session.room_name)
    if not any(each.metadata == metadata for each in launched):
        await livekit.agent_dispatch.create_dispatch(
            api.CreateAgentDispatchRequest(room=session.room_name, metadata=metadata)
        )
