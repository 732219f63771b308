"""One comparison: three replays, noise, judgement, clusters."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from contract.cluster import Cluster, Finding, clusters
from contract.compare import Difference
from contract.corpus import Corpus, Step
from contract.facts import World, request_facts
from contract.judge import Exchange, exchange, judge
from contract.ledger.entries import Entry
from contract.messages import Request
from contract.noise import Noise
from contract.noise import learn as learn_noise
from contract.replay import Progress, Replay, replay, symbolic_requests
from contract.specification import Match, Pair, Specification
from contract.targets import Target
from contract.typed_values import form_of_id


@dataclass
class Comparison:
    """All that a comparison found; what a target that failed midway left is still here."""

    exchanges: dict[int, Exchange] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    clusters: list[Cluster] = field(default_factory=list)
    noise: Noise = field(default_factory=Noise)
    used: Counter[str] = field(default_factory=Counter)
    observed: set[tuple[str, int]] = field(default_factory=set)
    left_out: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Material:
    """What a comparison works with."""

    corpus: Corpus
    spec: Specification
    entries: tuple[Entry, ...]
    requests: Mapping[int, Request]
    matches: Mapping[int, Match]

    @classmethod
    def of(cls, corpus: Corpus, spec: Specification, entries: tuple[Entry, ...]) -> Material:
        """Prepares the corpus' requests once."""
        requests = symbolic_requests(corpus, spec)
        matches = {step: spec.match(r.method, r.path) for step, r in requests.items()}
        return cls(corpus, spec, entries, requests, matches)


async def compare(
    material: Material,
    old: Target,
    again: Target | None,
    new: Target,
    progress: Mapping[str, Progress],
) -> Comparison:
    """Replay to all targets at the same time, then judge. Raises Inconclusive."""
    steps = material.corpus.steps
    targets = [old, new] if again is None else [old, new, again]
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(
                replay(steps, dict(material.requests), t, material.spec, progress[t.name])
            )
            for t in targets
        ]
    replays = [task.result() for task in tasks]
    noise = (
        Noise() if again is None
        else learn_noise(replays[0], replays[2], material.matches, material.spec)
    )  # fmt: skip
    return judged(material, replays[0], replays[1], noise)


def judged(material: Material, old: Replay, new: Replay, noise: Noise) -> Comparison:
    """Judge two replays, step by step."""
    found = Comparison(noise=noise)
    world = World()
    for step in material.corpus.steps:
        _change(world, step, new)
        if step.index in new.left_out or step.index in old.left_out:
            found.left_out[step.index] = new.left_out.get(step.index) or old.left_out[step.index]
            continue
        facts = request_facts(material.requests[step.index], material.spec)
        case = exchange(step, facts, old.answers[step.index], new.answers[step.index], world)
        found.exchanges[step.index] = case
        result = judge(case, material.entries, material.spec)
        found.used.update(result.used)
        found.observed.add((facts.operation, case.new.status))
        differences = [d for d in result.differences if not noise.hides(step.index, d)]
        differences += _id_faults(step.index, old, new)
        found.findings += [
            Finding(step.index, facts.operation, (case.old.status, case.new.status), d)
            for d in differences
        ]
        world.learn(facts, case.new)
    found.clusters = clusters(found.findings)
    return found


def unobserved(pairs: Sequence[Pair], found: Comparison, faults: frozenset[str]) -> list[Pair]:
    """Documented pairs that no answer of the new service had; those of faults only where made."""
    return [
        pair
        for pair in pairs
        if (pair.operation, pair.status) not in found.observed
        and (not pair.faults or faults.intersection(pair.faults))
    ]


def _change(world: World, step: Step, new: Replay) -> None:
    if step.before is not None and step.index not in new.left_out:
        world.change(step.before)


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
