"""Sends an agent into a room."""

from __future__ import annotations

import json

from livekit import api

from load.http.baseline.tables import Session


async def dispatch(livekit: api.LiveKitAPI, session: Session) -> None:
    """Exactly one job for the session, whether its room exists or not, as our API promises it.

    CreateRoom launches the dispatches it carries in a new room only.
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
