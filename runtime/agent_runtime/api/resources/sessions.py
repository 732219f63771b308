"""Sessions: create, show, end."""

from __future__ import annotations

from falcon import HTTPBadRequest
from falcon.asgi import Request, Response

from agent_runtime.api.http.allowed_methods import Resource
from agent_runtime.api.http.bodies import json_object
from agent_runtime.api.http.requests import CreateBody
from agent_runtime.api.http.responses import respond, timestamp
from agent_runtime.application.agent_runtime import AgentRuntime
from agent_runtime.domain.errors import SessionNotFound


class Sessions(Resource):
    """Serves /api/sessions/create."""

    def __init__(self, runtime: AgentRuntime) -> None:
        self._runtime = runtime

    async def on_post(self, req: Request, resp: Response) -> None:
        """Create a session and dispatch the agent into its room."""
        body = CreateBody.of(await json_object(req))
        session = await self._runtime.create_session(
            body.agent_id,
            body.tenant_id,
            body.room_name,
            body.participant_name,
            body.participant_identity,
            body.variables,
        )
        respond(
            resp,
            {
                "success": True,
                "session": {"sessionId": session.session_id, "roomName": session.room_name},
            },
        )


class Session(Resource):
    """Serves /api/sessions/{sessionId}."""

    def __init__(self, runtime: AgentRuntime) -> None:
        self._runtime = runtime

    async def on_get(self, _req: Request, resp: Response, session_id: str) -> None:
        """Respond with the session's state."""
        session = await self._runtime.session(session_id)
        body: dict[str, object] = {
            "sessionId": session.session_id,
            "agentId": session.agent_id,
            "tenantId": session.tenant_id,
            "roomName": session.room_name,
            "status": session.status,
            "startedAt": timestamp(session.started_at),
        }
        if session.ended_at is not None:
            body["endedAt"] = timestamp(session.ended_at)
        body["participantCount"] = session.participant_count
        respond(resp, body)

    on_head = on_get


class SessionEnd(Resource):
    """Serves /api/sessions/{sessionId}/end."""

    def __init__(self, runtime: AgentRuntime) -> None:
        self._runtime = runtime

    async def on_post(self, _req: Request, resp: Response, session_id: str) -> None:
        """End the session. Without one, respond with 400 and not 404, as old clients expect."""
        try:
            await self._runtime.end_session(session_id)
        except SessionNotFound as error:
            raise HTTPBadRequest(description=str(error)) from error
        respond(resp, {"success": True})
