"""The calls to LiveKit that the agent API must make, as side effects."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from contract.agent_api.model.state import Session, hashable
from contract.http.messages import Effect


def joining(session_id: str, room: str, body: Mapping[str, Any]) -> list[Effect]:
    """The calls to LiveKit when a session starts."""
    metadata = {
        "agentId": hashable(body.get("agentId")),
        "sessionId": session_id,
        "tenantId": hashable(body.get("tenantId")),
    }
    for name in ("participantName", "participantIdentity"):
        if name in body:
            metadata[name] = body[name]
    if body.get("variables"):
        metadata["variables"] = body["variables"]
    return [_effect("Launch", {"room": room, "agentName": "", "metadata": metadata})]


def leaving(sessions: Sequence[Session]) -> list[Effect]:
    """The calls to LiveKit when sessions end before their agents have joined."""
    found = []
    for session in sessions:
        if session.room == f"session-{session.id}":
            found.append(_effect("DeleteRoom", {"room": session.room}))
            continue
        launch = joining(session.id, session.room, session.asked)[0]
        metadata = json.loads(launch.body)["metadata"]
        identity = {"identity": f"agent-{session.id}", "room": session.room}
        if session.live:
            dispatch = {"room": session.room, "metadata": metadata}
            found.append(_effect("DeleteDispatch", dispatch))
        found.append(_effect("RemoveParticipant", identity))
    return sorted(found, key=lambda effect: (effect.call, effect.body))


def _effect(call: str, body: Mapping[str, Any]) -> Effect:
    return Effect(call, json.dumps(body, ensure_ascii=False, sort_keys=True))
