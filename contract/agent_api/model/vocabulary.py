"""The words that the ledger's expressions may use, for one step.

request, path, query, body, source, together: the request (contract.facts.RequestFacts).
old, new: the answers: status, kind, text, body, headers.
agent, tenant, session, world: what is true before the step; session is none when there is no such.
id: the symbol of the id that this step hands out. now: when the answer came.
truth: what a success of this operation must say by these facts.
faults, nul, config_at_fault, shown_path: what the new service has to say about a request.
moment(window), matching(pattern), number(text): typed values.
watched: whether calls to LiveKit are seen; joining(id, room, body), leaving(sessions): what they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from contract.agent_api.model.facts import Agent, Session, World, in_range, tenant_sessions
from contract.agent_api.model.truth import truth
from contract.agent_api.model.zod_issues import faults, nul_faults
from contract.api.request_facts import RequestFacts, answer_facts, number
from contract.api.specification import Specification
from contract.corpus.frozen import Step
from contract.http.messages import Answer, Effect
from contract.replay.identity import symbol_of
from contract.values.typed_values import Matching, Moment, Window

Words = dict[str, Any]


def vocabulary(
    step: Step,
    request: RequestFacts,
    old: Answer,
    new: Answer,
    world: World,
    spec: Specification,
    *,
    watched: bool,
) -> Words:
    """The facts are copied: they go on while a mutant may judge this step again later."""
    body = request.json_body if isinstance(request.json_body, dict) else {}
    named = number(request.path["agentId"]) if "agentId" in request.path else body.get("agentId")
    agent = world.agent(_hashable(named))
    tenant = number(request.path.get("tenantId", "")) or _hashable(body.get("tenantId"))
    session = world.sessions.get(request.path.get("sessionId", ""))
    words: Words = {
        "request": request,
        "path": request.path,
        "query": request.query,
        "body": request.json_body,
        "source": step.source,
        "together": step.together,
        "old": answer_facts(old),
        "new": answer_facts(new),
        "world": replace(world, order=list(world.order), faults=set(world.faults)),
        "agent": _agent(agent, request),
        "tenant": _tenant(tenant, world, request),
        "session": None if session is None else replace(session),
        "id": f"<{symbol_of(step.index)}>",
        "now": Window(new.sent, new.received),
        "faults": faults(request.operation, request.json_body, answer_facts(old)["body"]),
        "nul": nul_faults(request.json_body),
        "config_at_fault": _config_at_fault(body, spec),
        "shown_path": _shown_path(request.target),
        "moment": Moment,
        "matching": Matching,
        "watched": watched,
        "joining": joining,
        "leaving": leaving,
        "number": number,
    }
    words["truth"] = truth(words)
    return words


def joining(session_id: str, room: str, body: Mapping[str, Any]) -> list[Effect]:
    """What LiveKit is asked for when a session starts."""
    metadata = {
        "agentId": _hashable(body.get("agentId")),
        "sessionId": session_id,
        "tenantId": _hashable(body.get("tenantId")),
    }
    if "participantName" in body:
        metadata["participantName"] = body["participantName"]
    return [_effect("Launch", {"room": room, "agentName": "", "metadata": metadata})]


def leaving(sessions: Sequence[Session]) -> list[Effect]:
    """What LiveKit is asked for when sessions end before their agents have come."""
    found = []
    for session in sessions:
        metadata = joining(session.id, session.room, session.asked)[0]
        told = json.loads(metadata.body)["metadata"]
        identity = {"identity": f"agent-{session.id}", "room": session.room}
        if session.live:
            found.append(_effect("DeleteDispatch", {"room": session.room, "metadata": told}))
        found.append(_effect("RemoveParticipant", identity))
    return sorted(found, key=lambda effect: (effect.call, effect.body))


def _effect(call: str, body: Mapping[str, Any]) -> Effect:
    return Effect(call, json.dumps(body, ensure_ascii=False, sort_keys=True))


def _agent(agent: Agent, request: RequestFacts) -> Words:
    within = in_range(agent.sessions, request.query)
    return {
        "id": agent.id,
        "registered": agent.registered,
        "config": agent.config,
        "limit": agent.limit,
        "live": agent.live,
        "sessions": len(within),
        "live_sessions": sum(session.live for session in within),
        "to_leave": [replace(session) for session in agent.sessions if session.live],
    }


def _tenant(tenant_id: Any, world: World, request: RequestFacts) -> Words:
    within = in_range(list(tenant_sessions(world, tenant_id)), request.query)
    return {
        "id": tenant_id,
        "sessions": len(within),
        "busy": len({session.agent for session in within if session.live}),
    }


def _config_at_fault(body: Mapping[str, Any], spec: Specification) -> bool:
    config = body.get("config")
    return isinstance(config, dict) and not spec.is_valid("AgentConfig", config)


def _shown_path(target: str) -> str:
    path = unquote(target.partition("?")[0])
    return path[:-1] if path.endswith("/") and path != "/" else path


def _hashable(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return None if isinstance(value, dict | list) else value
