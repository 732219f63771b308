"""Puts the corpus together and records it with a fresh old service."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from contract.api.api import Api
from contract.api.specification import own_paths
from contract.corpus.frozen import freeze
from contract.corpus.steps import Corpus, Step
from contract.errors import Inconclusive
from contract.record.arazzo import directed
from contract.record.beside import beside
from contract.record.generate import generated
from contract.record.minimise import minimised
from contract.record.recorder import Recorder
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
    kept: Sequence[Step] = (),
) -> Corpus:
    """Generate, minimise, direct, mutate; then replay all of it to the fresh service and freeze.

    `contract` is the absolute path of openapi.yaml, `report` prints progress. Without seeds nothing is
    generated, and `kept` are the generated steps of an earlier corpus.
    """
    taken = await generated(old, contract, amount.seeds, amount.max_examples, report)
    chosen = minimised(taken, api, amount.most)
    report(f"generated: {len(taken)} requests, {len(chosen)} chosen, {len(kept)} kept")
    steps = list(kept)
    steps += [Step(len(kept) + n, "generated", i.request, i.answer) for n, i in enumerate(chosen)]
    files = api.profile.files
    await old.reset()
    if files.scenarios is not None:
        steps += await directed(files.scenarios, old, api, len(steps))
    if files.found is not None:
        steps += await directed(files.found, old, api, len(steps))
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
    """Variants of one valid request of each operation, in valid state, and what shows their effects."""
    recorder = Recorder(old, api, first)
    examples = api.profile.examples
    await recorder.set_up(examples.setup)
    for example in examples.valid:
        await recorder.example(example)
    own = frozenset(own_paths(api.profile.files.contract))
    values = recorder.path_values(examples.valid)
    for name, request in beside(api.spec, own, values) if examples.beside else ():
        await recorder.take(f"beside/{name}", request)
    await recorder.many(examples)
    return recorder.found
