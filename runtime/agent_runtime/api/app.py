"""The ASGI application: middleware, error handlers and routes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import falcon.asgi
from prometheus_client import CollectorRegistry

from agent_runtime.api.http.access_log import AccessLog, RequestDurations
from agent_runtime.api.http.allowed_methods import AllowedMethods
from agent_runtime.api.http.auth.audit_log import AuditLog, Record
from agent_runtime.api.http.auth.key_check import KeyCheck, ScopeCheck
from agent_runtime.api.http.errors import add_error_handlers
from agent_runtime.api.http.responses import JSON
from agent_runtime.api.http.types import Application
from agent_runtime.api.resources.agents import Agent, Agents, AgentSchemas, Registrations
from agent_runtime.api.resources.callers import CallerErasure
from agent_runtime.api.resources.health import Health, Readiness
from agent_runtime.api.resources.metrics import (
    AgentMetricsResource,
    SessionMetricsResource,
    TenantMetricsResource,
)
from agent_runtime.api.resources.prometheus import PrometheusResource, ReadOverview
from agent_runtime.api.resources.sessions import Session, SessionEnd, Sessions
from agent_runtime.api.resources.webhooks import Webhooks
from agent_runtime.application.agent_runtime import AgentRuntime
from agent_runtime.application.key_ring import KeyRing

AGENTS: Final = "/api/agents"
SESSIONS: Final = "/api/sessions"
METRICS: Final = "/api/metrics"
CALLERS: Final = "/api/callers"
PROMETHEUS: Final = "/metrics"


@dataclass(frozen=True, slots=True)
class AuthPolicy:
    """Which paths need a key: the platform's `key`, or one of `ring`; none when there are neither.

    With `open_sessions_and_metrics` only agents, callers and Prometheus need it, as in the Node.js version.
    """

    key: str = ""
    ring: KeyRing | None = None
    open_sessions_and_metrics: bool = False


def create_app(
    runtime: AgentRuntime,
    auth: AuthPolicy,
    *,
    webhooks: Webhooks,
    callers: CallerErasure,
    overview: ReadOverview,
    record: Record | None = None,
) -> Application:
    """The ASGI application that serves openapi.yaml from `runtime`; `record` takes the audit's entries."""
    requests = CollectorRegistry()
    app = falcon.asgi.App(media_type=JSON)
    app.add_middleware(AccessLog(RequestDurations(requests)))
    keys = KeyCheck(auth.key, _protected_paths(auth), auth.ring)
    app.add_middleware([keys, AllowedMethods()])
    if record is not None:
        app.add_middleware(AuditLog(record))
    app.add_middleware(ScopeCheck())
    app.req_options.strip_url_path_trailing_slash = True
    add_error_handlers(app)
    app.add_route(f"{AGENTS}/register", Registrations(runtime))
    app.add_route(f"{AGENTS}/schema", AgentSchemas())
    app.add_route(f"{AGENTS}/{{agent_id}}", Agent(runtime))
    app.add_route(AGENTS, Agents(runtime))
    app.add_route(f"{SESSIONS}/create", Sessions(runtime))
    app.add_route(f"{SESSIONS}/{{session_id}}/end", SessionEnd(runtime))
    app.add_route(f"{SESSIONS}/{{session_id}}", Session(runtime))
    app.add_route(f"{METRICS}/agent/{{agent_id}}", AgentMetricsResource(runtime))
    app.add_route(f"{METRICS}/tenant/{{tenant_id}}", TenantMetricsResource(runtime))
    app.add_route(f"{METRICS}/session/{{session_id}}", SessionMetricsResource(runtime))
    app.add_route(f"{CALLERS}/erase", callers)
    app.add_route("/health", Health())
    app.add_route("/ready", Readiness(runtime, keys.may_see_reasons))
    app.add_route(PROMETHEUS, PrometheusResource(requests, overview))
    app.add_route("/livekit/webhook", webhooks)
    return app


def _protected_paths(auth: AuthPolicy) -> tuple[str, ...]:
    always = (AGENTS, CALLERS, PROMETHEUS)
    return always if auth.open_sessions_and_metrics else (*always, SESSIONS, METRICS)
