"""Sessions: create, show, end."""

from __future__ import annotations

from falcon import HTTPBadRequest
from falcon.asgi import Request, Response

from agent_runtime.api.http.allowed_methods import Resource
from agent_runtime.api.http.auth.audit_log import note_ids
from agent_runtime.api.http.auth.key_check import only_tenant
from agent_runtime.api.http.bodies import json_object
from agent_runtime.api.http.requests import CreateBody
from agent_runtime.api.http.responses import respond, timestamp
from agent_runtime.api.resources.idempotency import repeatable
from agent_runtime.application.agent_runtime import AgentRuntime
from agent_runtime.domain.errors import SessionNotFound


class Sessions(Resource):
    """Serves /api/sessions/create."""

    def __init__(self, runtime: AgentRuntime) -> None:
        self._runtime = runtime

    async def on_post(self, req: Request, resp: Response) -> None:
        """Create a session and dispatch the agent into its room."""
        given = await json_object(req)
        body = CreateBody.of(given)
        note_ids(req, agent_id=body.agent_id, tenant_id=body.tenant_id)
        session = await self._runtime.create_session(
            body.agent_id,
            body.tenant_id,
            body.room_name,
            body.participant_name,
            body.participant_identity,
            body.variables,
            repeatable(req, given),
            only_tenant=only_tenant(req),
        )
        note_ids(req, session_id=session.session_id)
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

    async def on_get(self, req: Request, resp: Response, session_id: str) -> None:
        """Respond with the session's state."""
        session = await self._runtime.session(session_id, only_tenant=only_tenant(req))
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

    async def on_post(self, req: Request, resp: Response, session_id: str) -> None:
        """End the session. Without one, respond with 400 and not 404, as old clients expect.

        A tenant's key gets 404, as for everything that is not the tenant's.
        """
        tenant_id = only_tenant(req)
        try:
            await self._runtime.end_session(session_id, only_tenant=tenant_id)
        except SessionNotFound as error:
            if tenant_id is not None:
                raise
            raise HTTPBadRequest(description=str(error)) from error
        respond(resp, {"success": True})
