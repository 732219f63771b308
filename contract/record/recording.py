"""Puts the corpus together and records it with a fresh old service."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from contract.api.api import Api
from contract.api.profile import Example
from contract.corpus.frozen import freeze
from contract.corpus.steps import Corpus, Step
from contract.errors import BrokenInput, Inconclusive
from contract.http.messages import RECORDED_KEY, Request
from contract.record.arazzo import directed
from contract.record.generate import generated
from contract.record.minimise import minimised
from contract.record.mutators import variants
from contract.replay.identity import new_id
from contract.replay.prepared import Prepared
from contract.replay.replay import replay
from contract.targets.http_target import HttpTarget


@dataclass(frozen=True, slots=True)
class Amount:
    """How much to generate: for each seed up to `max_examples` an operation, `most` requests in all."""

    seeds: Sequence[int]
    max_examples: int = 20
    most: int = 900


async def record(
    old: HttpTarget,
    api: Api,
    contract: Path,
    amount: Amount,
    folder: Path,
    report: Callable[[str], None],
) -> Corpus:
    """Generate, minimise, direct, mutate; then replay all of it to the fresh service and freeze.

    `contract` is the absolute path of openapi.yaml, `report` prints progress. Without seeds nothing is
    generated.
    """
    taken = await generated(old, contract, amount.seeds, amount.max_examples, report)
    kept = minimised(taken, api, amount.most)
    report(f"generated: {len(taken)} requests, {len(kept)} kept")
    steps = [Step(index, "generated", item.request, item.answer) for index, item in enumerate(kept)]
    files = api.profile.files
    await old.reset()
    if files.scenarios is not None:
        steps += await directed(files.scenarios, old, api, len(steps))
    steps += await _mutated(old, api, len(steps))
    if files.scenarios_with_faults is not None:
        steps += await directed(files.scenarios_with_faults, old, api, len(steps))
    return await _frozen(steps, old, api, folder, report)


async def _frozen(
    steps: Sequence[Step],
    old: HttpTarget,
    api: Api,
    folder: Path,
    report: Callable[[str], None],
) -> Corpus:
    result = await replay(Prepared.of(Corpus(tuple(steps), ""), api), old)
    if result.left_out:
        raise Inconclusive(f"the old service cannot do {set(result.left_out.values())}")
    final = [
        replace(step, request=result.exact[step.index][0], recorded=result.exact[step.index][1])
        for step in steps
    ]
    corpus = freeze(final, folder)
    report(f"frozen: {len(final)} requests, hash {corpus.hash[:12]}")
    return corpus


async def _mutated(old: HttpTarget, api: Api, first: int) -> list[Step]:
    """Variants of one valid request of each operation, in valid state."""
    examples = api.profile.examples
    found: list[Step] = []
    ids: list[str] = []

    async def take(source: str, request: Request) -> Step:
        step = Step(first + len(found), source, request, await old.send(request))
        found.append(step)
        return step

    for example in examples.setup:
        step = await take(f"mutator/setup/{example.name}", _request(example, ids))
        handed_out = new_id(api, step.request, step.recorded)
        if handed_out is not None:
            ids.append(handed_out)
    for example in examples.valid:
        request = _request(example, ids)
        await take(f"mutator/{example.name}/valid", request)
        for name, variant in variants(request, api.spec.date_parameters, api.profile.large_body):
            await take(f"mutator/{example.name}/{name}", variant)
        await take(f"mutator/{example.name}/valid-after", request)
    return found


def _request(example: Example, ids: Sequence[str]) -> Request:
    try:
        target = example.target.format(*ids)
    except IndexError as error:
        raise BrokenInput(
            f"example {example.name} needs more ids than the {len(ids)} that the set-up handed out"
        ) from error
    headers = (("Authorization", f"Bearer {RECORDED_KEY}"), ("Accept", "*/*"))
    length = (("Content-Length", "0"),) if example.method == "POST" else ()
    request = Request(example.method, target, headers + length)
    if example.body is None:
        return request
    typed = request.with_header("Content-Type", "application/json")
    return typed.with_body(json.dumps(example.body).encode())
