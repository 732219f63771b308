"""Judges one answer of the new service: what the ledger makes of the old one's, then compares."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from contract.compare import Difference, Expectation, differences, expected_from
from contract.corpus import Step
from contract.documents import Kind, dump, typed
from contract.errors import BrokenInput
from contract.facts import (
    RequestFacts,
    World,
    answer_facts,
    in_range,
    number,
    tenant_sessions,
)
from contract.identity import symbol_of
from contract.ledger.entries import Entry
from contract.ledger.expressions import render
from contract.ledger.issues import faults, issue
from contract.messages import Answer, Effect
from contract.specification import Specification
from contract.typed_values import Matching, Moment, Window


@dataclass(frozen=True, slots=True)
class Exchange:
    """One step with the answers of both sides and the facts that held before it."""

    index: int
    request: RequestFacts
    old: Answer
    new: Answer
    vocabulary: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Differences that no entry accepts, and the ids of the entries that were applied."""

    differences: tuple[Difference, ...]
    used: tuple[str, ...]


def exchange(step: Step, request: RequestFacts, old: Answer, new: Answer, world: World) -> Exchange:
    """Puts together what judging one step needs; reads the facts as they are now."""
    body = request.body if isinstance(request.body, dict) else {}
    agent = world.agent(number(request.path["agentId"]) if "agentId" in request.path
                        else _hashable(body.get("agentId")))  # fmt: skip
    tenant_id = number(request.path.get("tenantId", "")) or _hashable(body.get("tenantId"))
    session = world.sessions.get(request.path.get("sessionId", ""))
    of_tenant = list(tenant_sessions(world, tenant_id))
    return Exchange(
        step.index,
        request,
        old,
        new,
        {
            "request": request,
            "path": request.path,
            "query": request.query,
            "source": step.source,
            "together": step.together,
            "body": request.body,
            "old": answer_facts(old),
            "new": answer_facts(new),
            "world": replace(world, order=list(world.order), faults=set(world.faults)),
            # Copies: the facts go on while a mutant may judge this step again later.
            "agent": _agent_view(agent, request.query),
            "tenant": {
                "id": tenant_id,
                "sessions": len(in_range(of_tenant, request.query)),
                "busy": len({s.agent for s in in_range(of_tenant, request.query) if s.live}),
            },
            "session": None if session is None else replace(session),
            "now": Window(new.sent, new.received),
            "moment": Moment,
            "matching": Matching,
            "decoded": unquote,
            "path_only": unquote(request.target.partition("?")[0]),
            "faults": faults,
            "issue": issue,
            "id": f"<{symbol_of(step.index)}>",
            "effect": effect,
            "number": number,
        },
    )


def expectation(
    step: Exchange, entries: Sequence[Entry], spec: Specification
) -> tuple[Expectation, tuple[str, ...]]:
    """What the new service must answer, and the ids of the entries that changed it."""
    places = spec.typed_places.get((step.request.operation, step.old.status))
    expected = expected_from(step.old, places, Window(step.new.sent, step.new.received))
    used = []
    for entry in entries:
        if entry.concerns(step.request.operation) and entry.when.evaluate(step.vocabulary):
            changed = rewritten(expected, entry, step.vocabulary)
            if changed != expected:
                used.append(entry.id)
            expected = changed
    return expected, tuple(used)


def judge(step: Exchange, entries: Sequence[Entry], spec: Specification) -> Judgement:
    """Compare. Raises BrokenInput when an entry's expression fails."""
    expected, used = expectation(step, entries, spec)
    return Judgement(tuple(differences(expected, step.new)), used)


def rewritten(expected: Expectation, entry: Entry, vocabulary: Mapping[str, Any]) -> Expectation:
    """The expectation after one entry. Raises BrokenInput when the entry's template fails."""
    new = render(entry.new, vocabulary, f"ledger entry {entry.id}")
    if "status" in new:
        expected = replace(expected, status=new["status"])
    if "headers" in new:
        merged = {**expected.headers, **new["headers"]}
        kept = {name: value for name, value in merged.items() if value is not None}
        expected = replace(expected, headers=kept)
    if "body" in new and vocabulary["request"].method != "HEAD":
        value = typed(new["body"])
        expected = (
            replace(expected, kind=Kind.EMPTY, value=None, text="")
            if value == ""
            else replace(expected, kind=Kind.JSON, value=value, text=dump(value))
        )
    if "text" in new:
        expected = replace(expected, kind=Kind.HTML, value=None, text=new["text"])
    if "set" in new:
        expected = replace(expected, value=_set(expected.value, new["set"], entry.id))
    if "effects" in new:
        expected = replace(expected, effects=tuple(new["effects"]))
    return expected


def effect(call: str, body: Mapping[str, Any]) -> Effect:
    """A call to LiveKit that the ledger expects."""
    return Effect(call, json.dumps(body, ensure_ascii=False, sort_keys=True))


def _agent_view(agent: Any, query: Mapping[str, list[str]]) -> dict[str, Any]:
    within = in_range(agent.sessions, query)
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


def _set(value: Any, places: Mapping[str, Any], entry: str) -> Any:
    if not isinstance(value, dict):
        raise BrokenInput(f"ledger entry {entry}: `set` needs an old answer that is an object")
    changed = dict(value)
    for pointer, wanted in places.items():
        key = pointer.removeprefix("/")
        if wanted is None:
            changed.pop(key, None)
        else:
            changed[key] = typed(wanted)
    return changed


def _hashable(value: Any) -> Any:
    return None if isinstance(value, dict | list) else value
