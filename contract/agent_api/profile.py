"""The profile of the agent API: what the gate knows of its operations beyond openapi.yaml."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from contract.agent_api.model.world import AgentWorld
from contract.agent_api.services.managed import AgentServices
from contract.api.profile import (
    ApiProfile,
    Example,
    Examples,
    Files,
    GeneratedIds,
    Liveness,
    Mark,
    Relations,
)

_HERE: Final = Path(__file__).parent
_REGISTRATION: Final = {
    "tenantId": 93,
    "config": {"name": "Front desk", "maxConcurrentSessions": 5000},
}
_SESSION: Final = {"agentId": 930004, "tenantId": 93, "roomName": "lobby", "participantName": "Ada"}


def _register(name: str, agent: int) -> Example:
    body = {"agentId": agent, **_REGISTRATION}
    return Example(
        name,
        "POST",
        "/api/agents/register",
        body,
        reads=("/api/agents/{agentId}",),
        shown=("agentId", "tenantId", "maxConcurrentSessions", "max_concurrent_sessions"),
    )


def _create(name: str) -> Example:
    return Example(
        name,
        "POST",
        "/api/sessions/create",
        _SESSION,
        reads=("/api/sessions/{id}",),
        shown=("agentId", "tenantId", "roomName", "participantName"),
    )


PROFILE: Final = ApiProfile(
    name="agent service",
    old_name="the Node.js service",
    files=Files(
        contract=_HERE.parents[1] / "openapi.yaml",
        ledger=_HERE / "ledger.yaml",
        mutants=_HERE / "mutants.yaml",
        corpus=_HERE / "corpus",
        scenarios=_HERE / "scenarios.arazzo.yaml",
        scenarios_with_faults=_HERE / "scenarios-with-faults.arazzo.yaml",
        found=_HERE / "found.arazzo.yaml",
    ),
    ids=GeneratedIds(schema="SessionKey", pattern=r"[A-Za-z0-9_-]{21}", symbol="session"),
    liveness=Liveness("/health", "status", "healthy"),
    keyed_path="/api/agents",
    guarded=r"/api/(agents|sessions|metrics)(/|$)",
    # The Node.js service answers an unknown session with 200, its metrics with null.
    marks=(
        Mark("/api/sessions/never-there", 200, b""),
        Mark("/api/metrics/session/never-there", None, b"null"),
    ),
    peer="LiveKit",
    faults={
        "livekit-away": "livekit-back",
        "database-away": "database-back",
        "database-broken": "database-mended",
    },
    world=AgentWorld,
    examples=Examples(
        setup=(
            *(_register(f"register-{agent}", agent) for agent in range(930001, 930005)),
            *(_create(f"create-{number}") for number in range(3)),
        ),
        valid=(
            _register("register", 930001),
            Example("status", "GET", "/api/agents/930002"),
            Example("list", "GET", "/api/agents"),
            _create("create"),
            Example("session", "GET", "/api/sessions/{0}"),
            Example("session-figures", "GET", "/api/metrics/session/{1}"),
            Example("agent-figures", "GET", "/api/metrics/agent/930004"),
            Example("tenant-figures", "GET", "/api/metrics/tenant/93"),
            Example("health", "GET", "/health"),
            Example("ready", "GET", "/ready"),
            Example(
                "end",
                "POST",
                "/api/sessions/{2}/end",
                reads=("/api/sessions/{sessionId}",),
                renew="create-2",
            ),
            Example(
                "delete",
                "DELETE",
                "/api/agents/930003",
                reads=("/api/agents/{agentId}",),
                renew="register-930003",
            ),
        ),
        probed=frozenset({"create", "session", "status", "agent-figures", "delete", "health"}),
        many=replace(_create("create"), body={**_SESSION, "roomName": "hall"}),
        times=320,
        numbered=_register("register", 930001),
        fields=("agentId", "tenantId"),
        beside=True,
    ),
    relations=Relations(fields=("agentId", "tenantId"), loose=("tenantId",)),
    nested="config",
    large_body=100 * 1024 + 1,  # express refuses bodies above 100 KiB
    services=AgentServices(),
    changes=("figures-stored",),
    fresh=Mark("/api/agents", 200, b'{"agents":[]}'),
)
