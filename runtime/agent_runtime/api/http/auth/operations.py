"""The operations of openapi.yaml and the scope that each needs; a test compares both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from falcon.asgi import Request

from agent_runtime.domain.access.keys import Scope


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation's id in openapi.yaml, and its scope there (`x-scope`); None where no key is needed."""

    id: str
    scope: Scope | None


# By method and path template. A key without every scope may use no operation that is not here.
OPERATIONS: Final[Mapping[tuple[str, str], Operation]] = {
    ("POST", "/api/agents/register"): Operation("registerAgent", Scope.AGENTS_WRITE),
    ("GET", "/api/agents/schema"): Operation("getAgentSchemas", Scope.AGENTS_READ),
    ("GET", "/api/agents/{agent_id}"): Operation("getAgent", Scope.AGENTS_READ),
    ("DELETE", "/api/agents/{agent_id}"): Operation("unregisterAgent", Scope.AGENTS_WRITE),
    ("GET", "/api/agents"): Operation("listAgents", Scope.AGENTS_READ),
    ("POST", "/api/sessions/create"): Operation("createSession", Scope.SESSIONS_WRITE),
    ("POST", "/api/sessions/{session_id}/end"): Operation("endSession", Scope.SESSIONS_WRITE),
    ("GET", "/api/sessions/{session_id}"): Operation("getSession", Scope.SESSIONS_READ),
    ("GET", "/api/metrics/agent/{agent_id}"): Operation("getAgentMetrics", Scope.METRICS_READ),
    ("GET", "/api/metrics/tenant/{tenant_id}"): Operation("getTenantMetrics", Scope.METRICS_READ),
    ("GET", "/api/metrics/session/{session_id}"): Operation(
        "getSessionMetrics", Scope.METRICS_READ
    ),
    ("POST", "/api/callers/erase"): Operation("eraseCaller", Scope.CALLERS_WRITE),
    ("GET", "/metrics"): Operation("getMetrics", Scope.PROMETHEUS),
    ("GET", "/health"): Operation("getHealth", None),
    ("GET", "/ready"): Operation("getReadiness", None),
    ("POST", "/livekit/webhook"): Operation("receiveWebhook", None),
}


def operation_of(req: Request) -> Operation | None:
    """The operation of a request whose path has a route; None when openapi.yaml has none."""
    method = "GET" if req.method == "HEAD" else req.method
    return OPERATIONS.get((method, req.uri_template or ""))
