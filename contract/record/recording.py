"""Puts the corpus together and records it against a fresh old service."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from contract.api.specification import Specification
from contract.corpus.frozen import RECORDED_KEY, Corpus, Step, freeze
from contract.errors import Inconclusive
from contract.http.messages import Request
from contract.record.arazzo import WITH_FAULTS, WITHOUT_FAULTS, directed
from contract.record.generate import generated
from contract.record.minimise import minimised
from contract.record.mutators import variants, with_body
from contract.replay.identity import new_id
from contract.replay.replay import replay, symbolic_requests
from contract.targets.target import HttpTarget

Say = Callable[[str], None]


async def record(
    old: HttpTarget,
    contract: Path,
    *,
    seeds: Sequence[int],
    max_examples: int,
    most_generated: int,
    folder: Path,
    say: Say,
) -> Corpus:
    """Generate, minimise, direct, mutate; then replay all of it to the fresh service and freeze."""
    spec = Specification.load(contract)
    taken = await generated(old, contract, seeds, max_examples, say)
    kept = minimised(taken, spec, most_generated)
    say(f"generated: {len(taken)} requests, {len(kept)} kept")
    steps = [Step(index, "generated", item.request, item.answer) for index, item in enumerate(kept)]
    await old.reset()
    steps += await directed(WITHOUT_FAULTS, old, spec, len(steps))
    steps += await _mutated(old, spec, len(steps))
    steps += await directed(WITH_FAULTS, old, spec, len(steps))
    return await _frozen(steps, old, spec, folder, say)


async def _frozen(
    steps: Sequence[Step], old: HttpTarget, spec: Specification, folder: Path, say: Say
) -> Corpus:
    draft = Corpus(tuple(steps), "")
    result = await replay(draft.steps, symbolic_requests(draft, spec), old, spec)
    if result.left_out:
        raise Inconclusive(f"the old service cannot do {set(result.left_out.values())}")
    final = [
        replace(step, request=result.exact[step.index][0], recorded=result.exact[step.index][1])
        for step in steps
    ]
    corpus = freeze(final, folder)
    say(f"frozen: {len(final)} requests, hash {corpus.hash[:12]}")
    return corpus


async def _mutated(old: HttpTarget, spec: Specification, first: int) -> list[Step]:
    """Variants of one valid request of each operation, in valid state."""
    found: list[Step] = []

    async def take(source: str, request: Request) -> Step:
        step = Step(first + len(found), source, request, await old.send(request))
        found.append(step)
        return step

    for agent in (930001, 930002, 930003, 930004):
        await take(f"mutator/setup/register-{agent}", _registration(agent))
    sessions = []
    for number in range(3):
        step = await take(f"mutator/setup/create-{number}", _creation(930004))
        sessions.append(new_id(spec, step.request, step.recorded) or "")
    for name, request in _valid(sessions):
        await take(f"mutator/{name}/valid", request)
        for variant, changed in variants(request):
            await take(f"mutator/{name}/{variant}", changed)
        await take(f"mutator/{name}/valid-after", request)
    return found


def _valid(sessions: Sequence[str]) -> Iterator[tuple[str, Request]]:
    """One valid request of each operation."""
    yield "register", _registration(930001)
    yield "status", _plain("GET", "/api/agents/930002")
    yield "list", _plain("GET", "/api/agents")
    yield "create", _creation(930004)
    yield "session", _plain("GET", f"/api/sessions/{sessions[0]}")
    yield "session-figures", _plain("GET", f"/api/metrics/session/{sessions[1]}")
    yield "agent-figures", _plain("GET", "/api/metrics/agent/930004")
    yield "tenant-figures", _plain("GET", "/api/metrics/tenant/93")
    yield "health", _plain("GET", "/health")
    yield "ready", _plain("GET", "/ready")
    yield "end", _plain("POST", f"/api/sessions/{sessions[2]}/end")
    yield "delete", _plain("DELETE", "/api/agents/930003")


def _plain(method: str, target: str) -> Request:
    headers = (("Authorization", f"Bearer {RECORDED_KEY}"), ("Accept", "*/*"))
    length = (("Content-Length", "0"),) if method == "POST" else ()
    return Request(method, target, headers + length)


def _json(target: str, document: object) -> Request:
    request = _plain("POST", target).with_header("Content-Type", "application/json")
    return with_body(request, json.dumps(document).encode())


def _registration(agent: int) -> Request:
    config = {"name": "Front desk", "maxConcurrentSessions": 1000}
    return _json("/api/agents/register", {"agentId": agent, "tenantId": 93, "config": config})


def _creation(agent: int) -> Request:
    document = {"agentId": agent, "tenantId": 93, "roomName": "lobby", "participantName": "Ada"}
    return _json("/api/sessions/create", document)
