"""What webhooks say of a session. No word of the conversation and nothing of the caller is among it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from agent_runtime.domain.lease import EventKind
from agent_runtime.domain.ports.webhooks import NewDelivery, Owed, Subscription, WebhookEvent
from agent_runtime.domain.session import (
    AGENT_DELETED,
    CALLER_LEFT,
    ENDED_OVER_HTTP,
    NO_CALLER_CAME,
    WORKER_SHUT_DOWN,
    Session,
    SessionStatus,
)

EVENTS: Final[Mapping[str, WebhookEvent]] = {
    EventKind.TALKING: WebhookEvent.STARTED,
    EventKind.ENDED: WebhookEvent.ENDED,
    EventKind.ERROR: WebhookEvent.ENDED,
}
# The closed list of reasons. The session's own reason may quote a provider, and stays with us.
REASONS: Final[Mapping[str, str]] = {
    CALLER_LEFT: "caller_left",
    NO_CALLER_CAME: "no_caller",
    ENDED_OVER_HTTP: "ended_by_api",
    AGENT_DELETED: "agent_deleted",
    WORKER_SHUT_DOWN: "worker_shut_down",
}
FAILED: Final = "failed"
OTHER: Final = "other"


def planned(owed: Owed, subscription: Subscription, agent_name: str | None) -> NewDelivery | None:
    """The delivery of the event to this address; None when the address is not told of it.

    The id follows from session, event and address, so that an event which happens again, as when a second
    agent takes over, is one message.
    """
    event = EVENTS.get(owed.event.kind)
    if event is None or event not in subscription.events:
        return None
    body = (
        _call_report(owed.session, agent_name)
        if subscription.is_call_report
        else _body(event, owed)
    )
    session_id = owed.session.session_id
    key = f"{session_id}\n{event.value}\n{subscription.url}"
    message_id = f"msg_{hashlib.sha256(key.encode()).hexdigest()[:32]}"
    return NewDelivery(message_id, event.value, subscription, _json(body))


def trial_body(agent_id: int, now: datetime) -> str:
    """The body of a test of an agent's addresses."""
    return _json(
        {"type": WebhookEvent.TEST.value, "timestamp": _time(now), "data": {"agentId": agent_id}}
    )


def _body(event: WebhookEvent, owed: Owed) -> dict[str, Any]:
    session = owed.session
    data: dict[str, Any] = {
        "sessionId": session.session_id,
        "agentId": session.agent_id,
        "agentVersion": session.agent_version,
        "tenantId": session.tenant_id,
        "startedAt": _time(session.started_at),
    }
    if event is WebhookEvent.ENDED:
        data |= {
            "status": session.status.value,
            "reason": _reason(session),
            "endedAt": _time(session.ended_at),
            "durationSeconds": session.duration_seconds,
        }
    return {"type": event.value, "timestamp": _time(owed.event.at), "data": data}


def _reason(session: Session) -> str:
    if session.status is SessionStatus.ERROR:
        return FAILED
    return REASONS.get(session.reason or "", OTHER)


def _call_report(session: Session, agent_name: str | None) -> dict[str, Any]:
    """The body that the completion webhook of agent files has."""
    metadata = {
        "call_id": session.session_id,
        "agent_id": session.agent_id,
        "agent_name": agent_name,
        "customer_name": None,
        "customer_id": None,
        "phone_number": None,
        "start_time": _time(session.started_at),
        "end_time": _time(session.ended_at),
        "duration_seconds": session.duration_seconds,
        "context": None,
    }
    return {"transcript": {"metadata": metadata, "messages": []}, "formatted_transcript": ""}


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _json(body: Mapping[str, Any]) -> str:
    return json.dumps(body, separators=(",", ":"))
