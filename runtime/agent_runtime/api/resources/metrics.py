"""Metrics of agents, tenants and sessions: latencies in milliseconds, costs in US dollars."""

from __future__ import annotations

from typing import Final

from falcon.asgi import Request, Response

from agent_runtime.api.http.allowed_methods import Resource
from agent_runtime.api.http.auth.key_check import only_tenant
from agent_runtime.api.http.requests import date_range, required_id
from agent_runtime.api.http.responses import respond, rounded
from agent_runtime.application.agent_runtime import AgentRuntime

# Decimals of latencies in milliseconds: microseconds.
LATENCY_DECIMALS: Final = 3
# Decimals of costs in US dollars: micro-cents, the database's unit.
COST_DECIMALS: Final = 8


class AgentMetricsResource(Resource):
    """Serves /api/metrics/agent/{agentId}."""

    def __init__(self, runtime: AgentRuntime) -> None:
        self._runtime = runtime

    async def on_get(self, req: Request, resp: Response, agent_id: str) -> None:
        """Respond with metrics over the agent's sessions that started in the range."""
        number = required_id("agentId", agent_id)
        metrics = await self._runtime.agent_metrics(
            number, date_range(req), only_tenant=only_tenant(req)
        )
        respond(
            resp,
            {
                "agentId": metrics.agent_id,
                "totalSessions": metrics.total_sessions,
                "activeSessions": metrics.active_sessions,
                "avgLatency": rounded(metrics.avg_latency_ms, LATENCY_DECIMALS),
                "totalCost": rounded(metrics.total_cost_usd, COST_DECIMALS),
            },
        )

    on_head = on_get


class TenantMetricsResource(Resource):
    """Serves /api/metrics/tenant/{tenantId}."""

    def __init__(self, runtime: AgentRuntime) -> None:
        self._runtime = runtime

    async def on_get(self, req: Request, resp: Response, tenant_id: str) -> None:
        """Respond with metrics over the tenant's sessions that started in the range."""
        number = required_id("tenantId", tenant_id)
        metrics = await self._runtime.tenant_metrics(
            number, date_range(req), only_tenant=only_tenant(req)
        )
        respond(
            resp,
            {
                "tenantId": metrics.tenant_id,
                "activeAgents": metrics.active_agents,
                "totalSessions": metrics.total_sessions,
                "totalCost": rounded(metrics.total_cost_usd, COST_DECIMALS),
            },
        )

    on_head = on_get


class SessionMetricsResource(Resource):
    """Serves /api/metrics/session/{sessionId}."""

    def __init__(self, runtime: AgentRuntime) -> None:
        self._runtime = runtime

    async def on_get(self, req: Request, resp: Response, session_id: str) -> None:
        """Respond with the session's metrics so far."""
        metrics = await self._runtime.session_metrics(session_id, only_tenant=only_tenant(req))
        respond(
            resp,
            {
                "sessionId": metrics.session_id,
                "messageCount": metrics.message_count,
                "avgLatency": rounded(metrics.avg_latency_ms, LATENCY_DECIMALS),
                "totalCost": rounded(metrics.total_cost_usd, COST_DECIMALS),
            },
        )

    on_head = on_get
