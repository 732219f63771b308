"""What a success of each operation must answer, by the state alone: the API as a small model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from contract.agent_api.model.state import Session
from contract.values.typed_values import Moment, Window

Words = Mapping[str, Any]


def truth(words: Words) -> Any:
    """The body of a success, None where none is possible (the session was never created)."""
    body = _BY_OPERATION.get(words["request"].operation)
    return None if body is None else body(words)


def _registered(words: Words) -> Any:
    warnings = {"warnings": words["warnings"]} if words["warnings"] else {}
    return {"success": True, "agentId": words["agent"]["id"], **warnings}


def _success(_words: Words) -> Any:
    return {"success": True}


def _ended(words: Words) -> Any:
    return None if words["session"] is None else {"success": True}


def _status(words: Words) -> Any:
    agent = words["agent"]
    registered = agent["registered"]
    return {
        "registered": registered,
        "active": registered,
        "activeSessions": agent["live"] if registered else 0,
        "maxSessions": agent["limit"] if registered else 0,
    }


def _listed(words: Words) -> Any:
    return {"agents": words["world"].order}


def _created(words: Words) -> Any:
    if not isinstance(words["body"], dict):
        return None
    room = words["body"].get("roomName") or f"session-{words['id']}"
    return {"success": True, "session": {"sessionId": words["id"], "roomName": room}}


def _session(words: Words) -> Any:
    session: Session | None = words["session"]
    if session is None:
        return None
    ended = {} if session.ended is None else {"endedAt": _shown(session.ended_text, session.ended)}
    return {
        "sessionId": session.id,
        "agentId": session.agent,
        "tenantId": session.tenant,
        "roomName": session.room,
        "status": "connecting" if session.live else "ended",
        "startedAt": _shown(session.started_text, session.created),
        **ended,
        "participantCount": 0,
    }


def _shown(text: str | None, window: Window) -> str | Moment:
    """A time: the text that an earlier answer showed, else any time of its window."""
    return Moment(window) if text is None else text


def _agent_figures(words: Words) -> Any:
    agent = words["agent"]
    return {
        "agentId": agent["id"],
        "totalSessions": agent["sessions"],
        "activeSessions": agent["live_sessions"],
        "avgLatency": agent["latency"],
        "totalCost": agent["cost"],
    }


def _tenant_figures(words: Words) -> Any:
    tenant = words["tenant"]
    return {
        "tenantId": tenant["id"],
        "activeAgents": tenant["busy"],
        "totalSessions": tenant["sessions"],
        "totalCost": tenant["cost"],
    }


def _session_figures(words: Words) -> Any:
    if words["session"] is None:
        return None
    return {"sessionId": words["session"].id, **words["figures"]}


def _healthy(words: Words) -> Any:
    return {"status": "healthy", "timestamp": Moment(words["now"])}


def _ready(words: Words) -> Any:
    return {"status": "ready", "timestamp": Moment(words["now"])}


_BY_OPERATION: Final[Mapping[str, Callable[[Words], Any]]] = {
    "POST /api/agents/register": _registered,
    "DELETE /api/agents/{agentId}": _success,
    "GET /api/agents/{agentId}": _status,
    "GET /api/agents": _listed,
    "POST /api/sessions/create": _created,
    "POST /api/sessions/{sessionId}/end": _ended,
    "GET /api/sessions/{sessionId}": _session,
    "GET /api/metrics/agent/{agentId}": _agent_figures,
    "GET /api/metrics/tenant/{tenantId}": _tenant_figures,
    "GET /api/metrics/session/{sessionId}": _session_figures,
    "GET /health": _healthy,
    "GET /ready": _ready,
}
