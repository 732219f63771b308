"""The shortest sequence of requests that still shows a finding, by delta debugging.

Zeller and Hildebrandt's ddmin (IEEE TSE 28(2), 2002) over the steps before the finding. Steps that
share an id with the finding's step are tried first, since they are usually enough.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from contract.api.request_facts import request_facts
from contract.corpus.steps import Step
from contract.judge.clusters import Cluster
from contract.judge.comparison import compare_replays
from contract.judge.material import Material
from contract.judge.noise import Noise
from contract.replay.replay import replay_all
from contract.targets.target import Target

Shows = Callable[[Sequence[int]], Awaitable[bool]]
# Limits are counts and no seconds: the verdict must not depend on the speed of the machine.
MOST_TRIALS: Final = 24  # replays for one cluster
MOST_STEPS: Final = 200  # steps before the finding, where related ones do not show it
_WRITES = ("POST", "PUT", "PATCH", "DELETE")


async def minimal(
    material: Material, cluster: Cluster, noise: Noise, old: Target, new: Target
) -> list[int]:
    """Indexes of the steps to send, the finding's own last: the fewest that MOST_TRIALS find."""
    last = cluster.first.step
    steps = {step.index: step for step in material.corpus.steps}

    trials = 0

    async def shows(before: Sequence[int]) -> bool:
        nonlocal trials
        trials += 1
        if trials > MOST_TRIALS:
            return False
        part = material.only([*before, last])
        found, failure = await replay_all(part, [old, new])
        if failure is not None:
            return False
        again = compare_replays(part, found[0], found[1], noise)
        return any(c.fingerprint == cluster.fingerprint for c in again.clusters)

    if await shows([]):
        return [last]
    earlier = [
        index
        for index, step in steps.items()
        if index < last and (step.request.method in _WRITES or step.before is not None)
    ]
    related = _related(material, [steps[index] for index in earlier], steps[last])
    start = related if await shows(related) else earlier[-MOST_STEPS:]
    return [*await ddmin(start, shows), last]


async def ddmin(items: Sequence[int], shows: Shows) -> list[int]:
    """A subsequence that still `shows`, from which no single item can be removed."""
    kept = list(items)
    parts = 2
    while len(kept) >= 2:
        size = max(1, len(kept) // parts)
        for start in range(0, len(kept), size):
            rest = kept[:start] + kept[start + size :]
            if await shows(rest):
                kept, parts = rest, max(parts - 1, 2)
                break
        else:
            if size == 1:
                break
            parts = min(len(kept), parts * 2)
    if len(kept) == 1 and await shows([]):
        return []
    return kept


def _related(material: Material, earlier: Sequence[Step], last: Step) -> list[int]:
    """Earlier steps that share an id or a field of the profile's relations with the last one."""
    ids = material.api.profile.ids
    loose = tuple(map(_noun, material.api.profile.relations.loose))
    words = _words(material, last)
    found: list[int] = []
    for step in reversed(earlier):
        theirs = _words(material, step)
        if theirs & words or ids.symbol_of(step.index) in words:
            words |= {word for word in theirs if not word.startswith(loose)}
            found.append(step.index)
    return sorted(found)


def _words(material: Material, step: Step) -> set[str]:
    """The things that a step names: `agent 7`, `session-12`."""
    request = material.requests[step.index]
    facts = request_facts(request, material.api)
    body = facts.body if isinstance(facts.body, dict) else {}
    words = {f"{_noun(key)} {value}" for key, value in facts.path.items()}
    for key in material.api.profile.relations.fields:
        if key in body:
            words.add(f"{_noun(key)} {body[key]}")
    symbol = re.escape(material.api.profile.ids.symbol)
    return words | set(re.findall(rf"{symbol}-\d+", request.target))


def _noun(key: str) -> str:
    return key.removesuffix("Id")
