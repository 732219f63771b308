"""Agents: register, list, show, delete."""

from __future__ import annotations

from falcon import HTTPNotFound
from falcon.asgi import Request, Response

from agent_runtime.agents.forms.json_schema import schemas
from agent_runtime.api.http.allowed_methods import Resource
from agent_runtime.api.http.auth.audit_log import note_ids
from agent_runtime.api.http.auth.key_check import only_tenant
from agent_runtime.api.http.bodies import json_object
from agent_runtime.api.http.requests import RegisterBody, id_of, required_id
from agent_runtime.api.http.responses import respond
from agent_runtime.application.agent_runtime import AgentRuntime


class Registrations(Resource):
    """Serves /api/agents/register."""

    def __init__(self, runtime: AgentRuntime) -> None:
        self._runtime = runtime

    async def on_post(self, req: Request, resp: Response) -> None:
        """Register an agent, or replace its configuration."""
        body = RegisterBody.of(await json_object(req))
        note_ids(req, agent_id=body.agent_id, tenant_id=body.tenant_id)
        warnings = await self._runtime.register(
            body.agent_id, body.tenant_id, body.config, only_tenant=only_tenant(req)
        )
        more = {"warnings": warnings} if warnings else {}
        respond(resp, {"success": True, "agentId": body.agent_id, **more})


class Agents(Resource):
    """Serves /api/agents."""

    def __init__(self, runtime: AgentRuntime) -> None:
        self._runtime = runtime

    async def on_get(self, req: Request, resp: Response) -> None:
        """List the registered agents, in the order of registration."""
        agents = await self._runtime.registered_agents(only_tenant=only_tenant(req))
        respond(resp, {"agents": agents})

    on_head = on_get


class AgentSchemas(Resource):
    """Serves /api/agents/schema, which no agent's id can be."""

    async def on_get(self, _req: Request, resp: Response) -> None:
        """Respond with the JSON Schema of each form that people write."""
        respond(resp, schemas())

    on_head = on_get


class Agent(Resource):
    """Serves /api/agents/{agentId}."""

    def __init__(self, runtime: AgentRuntime) -> None:
        self._runtime = runtime

    async def on_get(self, req: Request, resp: Response, agent_id: str) -> None:
        """Respond with whether the agent is registered, and how many sessions it holds."""
        number = id_of(agent_id)
        if number is None:
            raise HTTPNotFound(description=f"Agent {agent_id} not found")
        status = await self._runtime.agent_status(number, only_tenant=only_tenant(req))
        respond(
            resp,
            {
                "registered": status.registered,
                "active": status.active,
                "activeSessions": status.active_sessions,
                "maxSessions": status.max_sessions,
            },
        )

    on_head = on_get

    async def on_delete(self, req: Request, resp: Response, agent_id: str) -> None:
        """Delete the agent and end its sessions."""
        number = required_id("agentId", agent_id)
        await self._runtime.unregister(number, only_tenant=only_tenant(req))
        respond(resp, {"success": True})
