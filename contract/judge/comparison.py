"""One comparison: three replays, noise, judgement, clusters."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from contract.agent_api.model.facts import World
from contract.api.request_facts import request_facts
from contract.api.specification import Match, Pair, Specification
from contract.corpus.frozen import Corpus
from contract.errors import Inconclusive
from contract.http.messages import Request
from contract.judge.clusters import Cluster, Finding, clusters
from contract.judge.compare import Difference
from contract.judge.judge import Exchange, exchange, judge
from contract.judge.noise import Noise
from contract.ledger.entries import Entry
from contract.replay.replay import Progress, Replay, replay, symbolic_requests
from contract.targets.target import Target
from contract.values.typed_values import form_of_id


@dataclass
class Comparison:
    """All that a comparison found; what a target that failed midway left is still here.

    `uses` has the steps in which an entry of the ledger was needed, by entry.
    """

    exchanges: dict[int, Exchange] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    clusters: list[Cluster] = field(default_factory=list)
    noise: Noise = field(default_factory=Noise)
    uses: dict[str, list[int]] = field(default_factory=dict)
    observed: set[tuple[str, int]] = field(default_factory=set)
    left_out: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Material:
    """What a comparison works with. `watched`: the new services' calls to LiveKit are seen."""

    corpus: Corpus
    spec: Specification
    entries: tuple[Entry, ...]
    requests: Mapping[int, Request]
    matches: Mapping[int, Match]
    watched: bool = False

    @classmethod
    def of(cls, corpus: Corpus, spec: Specification, entries: tuple[Entry, ...]) -> Material:
        """Prepares the corpus' requests once."""
        requests = symbolic_requests(corpus, spec)
        matches = {step: spec.match(r.method, r.path) for step, r in requests.items()}
        return cls(corpus, spec, entries, requests, matches)

    def only(self, indexes: Iterable[int]) -> Material:
        """The same with the steps of these indexes alone."""
        return replace(self, corpus=self.corpus.only(indexes))


async def replayed(
    material: Material,
    targets: Sequence[Target],
    progress: Callable[[Target], Progress],
    reread: Target | None = None,
) -> tuple[list[Replay], str | None]:
    """Replay to all targets at the same time.

    `reread` names the one whose reads are sent twice. Returns what each answered and, when one of
    them failed, why; the others stop then too.
    """
    found = [Replay() for _ in targets]
    failure: str | None = None
    try:
        async with asyncio.TaskGroup() as group:
            for target, into in zip(targets, found, strict=True):
                group.create_task(
                    replay(
                        material.corpus.steps,
                        material.requests,
                        target,
                        material.spec,
                        progress(target),
                        into,
                        reread=target is reread,
                    ),
                    name=target.name,
                )
    except* Inconclusive as failures:
        failure = "; ".join(str(error) for error in failures.exceptions)
    return found, failure


def judged(material: Material, old: Replay, new: Replay, noise: Noise) -> Comparison:
    """Judge two replays, step by step, as far as both have answers."""
    found = Comparison(noise=noise)
    world = World()
    for step in material.corpus.steps:
        left_out = new.left_out.get(step.index) or old.left_out.get(step.index)
        if left_out is not None:
            found.left_out[step.index] = left_out
            continue
        if step.index not in old.answers or step.index not in new.answers:
            break
        if step.before is not None:
            world.change(step.before)
        facts = request_facts(material.requests[step.index], material.spec)
        answers = old.answers[step.index], new.answers[step.index]
        case = exchange(step, facts, answers, world, material.spec, watched=material.watched)
        _judge_step(material, found, case, _id_faults(step.index, old, new))
        world.learn(facts, case.new)
    found.clusters = clusters(found.findings)
    return found


def _judge_step(
    material: Material, found: Comparison, case: Exchange, id_faults: list[Difference]
) -> None:
    found.exchanges[case.index] = case
    result = judge(case, material.entries, material.spec)
    for entry in result.used:
        found.uses.setdefault(entry, []).append(case.index)
    if case.vocabulary["new"]["kind"] == "json":  # as every documented answer is
        found.observed.add((case.request.operation, case.new.status))
    differences = [d for d in result.differences if not found.noise.hides(case.index, d)]
    found.findings += [
        Finding(case.index, case.request.operation, (case.old.status, case.new.status), difference)
        for difference in (*differences, *id_faults)
    ]


def unobserved(pairs: Sequence[Pair], found: Comparison, faults: frozenset[str]) -> list[Pair]:
    """Documented pairs that no answer of the new service had; those of faults only where made."""
    return [
        pair
        for pair in pairs
        if (pair.operation, pair.status) not in found.observed
        and (not pair.faults or faults.intersection(pair.faults))
    ]


def _id_faults(step: int, old: Replay, new: Replay) -> list[Difference]:
    """What is wrong with an id that the new service made up."""
    found = []
    if step in new.clashes:
        earlier = new.clashes[step]
        found.append(Difference("id clash", "id", "an id of its own", f"the id of {earlier}"))
    if step in new.new_ids and step in old.new_ids:
        wanted, actual = form_of_id(old.new_ids[step]), form_of_id(new.new_ids[step])
        if wanted != actual:
            found.append(Difference("id form", "id", wanted, actual))
    return found
