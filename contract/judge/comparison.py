"""One comparison: two replays, judged step by step, with noise hidden and findings clustered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from contract.api.request_facts import request_facts
from contract.api.specification import Pair
from contract.errors import BrokenInput
from contract.http.placeholders import at_time
from contract.judge.clusters import Cluster, Finding, clusters
from contract.judge.compare import Difference
from contract.judge.exchange import Exchange, exchange
from contract.judge.judge import judge
from contract.judge.material import Material
from contract.judge.noise import Noise
from contract.replay.replay import Replay
from contract.values.typed_values import form_of_id

# Scenarios of what the old service knows nothing about: the contract alone decides.
_CONTRACT: Final = "scenario/contract-"


@dataclass
class Comparison:
    """The result of a comparison, complete as far as both replays have answers.

    `uses` has the steps in which a rule was needed, by rule; `observed` the (operation, status) pairs
    of the new service; `left_out` the changes that a target cannot make, by step; `unjudged` the steps at
    which the gate itself failed.
    """

    exchanges: dict[int, Exchange] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    clusters: list[Cluster] = field(default_factory=list)
    noise: Noise = field(default_factory=Noise)
    uses: dict[str, list[int]] = field(default_factory=dict)
    observed: set[tuple[str, int]] = field(default_factory=set)
    left_out: dict[int, str] = field(default_factory=dict)
    unjudged: dict[int, str] = field(default_factory=dict)


def compare_replays(material: Material, old: Replay, new: Replay, noise: Noise) -> Comparison:
    """Judge two replays. Raises BrokenInput when an expression of a rule fails."""
    found = Comparison(noise=noise)
    profile = material.api.profile
    world = profile.world()
    for step in material.corpus.steps:
        left_out = new.left_out.get(step.index) or old.left_out.get(step.index)
        if left_out is not None:
            found.left_out[step.index] = left_out
            continue
        if step.index not in old.answers or step.index not in new.answers:
            break
        if step.before is not None:
            world.change(step.before, profile.faults)
        request = at_time(material.requests[step.index], material.now, new.told)
        facts = request_facts(request, material.api)
        answers = old.answers[step.index], new.answers[step.index]
        try:
            case = exchange(step, facts, answers, world, material.api, watched=material.watched)
            _judge_step(material, found, case, _id_faults(step.index, old, new))
            world.learn(facts, case.new)
        except BrokenInput:
            raise
        except Exception as error:
            # Whatever a service answers: the verdict names the step, and the other steps count.
            found.unjudged[step.index] = f"{type(error).__name__}: {error}"
    found.clusters = clusters(found.findings)
    return found


def unobserved(pairs: Sequence[Pair], found: Comparison, faults: frozenset[str]) -> list[Pair]:
    """Documented pairs that no answer of the new service had.

    A pair that only a fault brings about counts when one of its faults is among `faults`.
    """
    return [
        pair
        for pair in pairs
        if (pair.operation, pair.status) not in found.observed
        and (not pair.faults or faults.intersection(pair.faults))
    ]


def _judge_step(
    material: Material, found: Comparison, case: Exchange, id_faults: list[Difference]
) -> None:
    found.exchanges[case.index] = case
    result = judge(case, material.rules, material.api)
    for rule in result.used:
        found.uses.setdefault(rule, []).append(case.index)
    pair = case.request.operation, case.new.status
    # An answer of the server instead of the service (an HTML 404, say) shows no documented pair.
    if case.words["new"]["kind"] == "json" or pair in material.api.spec.without_body:
        found.observed.add(pair)
    differences = [d for d in result.differences if not found.noise.hides(case.index, d)]
    found.findings += [
        Finding(
            case.index,
            case.request.operation,
            (case.old.status, case.new.status),
            difference,
            "contract" if case.words["source"].startswith(_CONTRACT) else "parity",
        )
        for difference in (*differences, *id_faults)
    ]


def _id_faults(step: int, old: Replay, new: Replay) -> list[Difference]:
    """The faults of an id that the new service generated."""
    found = []
    if step in new.clashes:
        earlier = new.clashes[step]
        found.append(Difference("id clash", "id", "an id of its own", f"the id of {earlier}"))
    if step in new.new_ids and step in old.new_ids:
        wanted, actual = form_of_id(old.new_ids[step]), form_of_id(new.new_ids[step])
        if wanted != actual:
            found.append(Difference("id form", "id", wanted, actual))
    return found
