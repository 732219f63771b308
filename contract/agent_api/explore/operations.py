"""The operations of the agent API as values, and the requests that they are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from contract.http.messages import RECORDED_KEY, Request

_KEYED: Final = (("Authorization", f"Bearer {RECORDED_KEY}"), ("Accept", "*/*"))


@dataclass(frozen=True, slots=True)
class Register:
    """Registers an agent; `limit` is its maxConcurrentSessions, None leaves it out."""

    agent: int
    tenant: int
    limit: int | None


@dataclass(frozen=True, slots=True)
class Delete:
    """Deletes an agent."""

    agent: int


@dataclass(frozen=True, slots=True)
class Status:
    """Reads an agent."""

    agent: int


@dataclass(frozen=True, slots=True)
class Listing:
    """Reads the list of agents."""


@dataclass(frozen=True, slots=True)
class Create:
    """Creates a session; an empty room is one of its own."""

    agent: int
    tenant: int
    room: str


@dataclass(frozen=True, slots=True)
class End:
    """Ends the session that the create of this number made."""

    session: int


@dataclass(frozen=True, slots=True)
class Read:
    """Reads a session."""

    session: int


@dataclass(frozen=True, slots=True)
class SessionFigures:
    """Reads the metrics of a session."""

    session: int


@dataclass(frozen=True, slots=True)
class AgentFigures:
    """Reads the metrics of an agent."""

    agent: int


@dataclass(frozen=True, slots=True)
class TenantFigures:
    """Reads the metrics of a tenant."""

    tenant: int


@dataclass(frozen=True, slots=True)
class Restart:
    """Restarts the service; its database stays."""


Operation: TypeAlias = (
    Register
    | Delete
    | Status
    | Listing
    | Create
    | End
    | Read
    | SessionFigures
    | AgentFigures
    | TenantFigures
    | Restart
)


def request_of(operation: Operation, ids: list[str]) -> Request:
    """The request; `ids` are the session ids of all creates, in order. Raises TypeError for a restart."""
    match operation:
        case Register(agent, tenant, limit):
            config = {} if limit is None else {"maxConcurrentSessions": limit}
            body = {"agentId": agent, "tenantId": tenant, "config": config}
            return _post("/api/agents/register", body)
        case Delete(agent):
            return Request("DELETE", f"/api/agents/{agent}", _KEYED)
        case Create(agent, tenant, room):
            body = {"agentId": agent, "tenantId": tenant, "roomName": room}
            return _post("/api/sessions/create", body)
        case End(session):
            return _post(f"/api/sessions/{ids[session]}/end", None)
        case Restart():
            raise TypeError("a restart is no request")
        case _:
            return _get(_target_of(operation, ids))


def _target_of(operation: Operation, ids: list[str]) -> str:
    """The target of a read."""
    match operation:
        case Status(agent):
            return f"/api/agents/{agent}"
        case Read(session):
            return f"/api/sessions/{ids[session]}"
        case SessionFigures(session):
            return f"/api/metrics/session/{ids[session]}"
        case AgentFigures(agent):
            return f"/api/metrics/agent/{agent}"
        case TenantFigures(tenant):
            return f"/api/metrics/tenant/{tenant}"
        case _:
            return "/api/agents"


def _get(target: str) -> Request:
    return Request("GET", target, _KEYED)


def _post(target: str, body: Any) -> Request:
    request = Request("POST", target, _KEYED)
    if body is None:
        return request.with_header("Content-Length", "0")
    return request.with_header("Content-Type", "application/json").with_body(
        json.dumps(body, separators=(",", ":")).encode()
    )
