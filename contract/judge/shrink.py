"""The shortest sequence of requests that still shows a finding, by delta debugging.

Zeller and Hildebrandt's ddmin (IEEE TSE 28(2), 2002) over the steps before the finding; the steps
that share an id with it are tried first, which most often is enough.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence

from contract.api.request_facts import request_facts
from contract.corpus.frozen import Step
from contract.judge.clusters import Cluster
from contract.judge.comparison import Material, judged, replayed
from contract.judge.noise import Noise
from contract.targets.target import Target

Shows = Callable[[Sequence[int]], Awaitable[bool]]
# Counted, not timed: the verdict must not depend on the machine.
MOST_TRIALS = 24
MOST_STEPS = 200
_WRITES = ("POST", "PUT", "PATCH", "DELETE")


async def minimal(
    material: Material, cluster: Cluster, noise: Noise, old: Target, new: Target
) -> list[int]:
    """Indexes of the steps to send, the finding's own last; the best that few trials find."""
    last = cluster.first.step
    steps = {step.index: step for step in material.corpus.steps}

    trials = 0

    async def shows(before: Sequence[int]) -> bool:
        nonlocal trials
        trials += 1
        if trials > MOST_TRIALS:
            return False
        part = material.only([*before, last])
        found, failure = await replayed(part, [old, new], lambda _: lambda _: None)
        if failure is not None:
            return False
        again = judged(part, found[0], found[1], noise)
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
    return [*await _ddmin(start, shows), last]


async def _ddmin(items: Sequence[int], shows: Shows) -> list[int]:
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
    """Steps that speak of the same agent, tenant or session as the last."""
    words = _words(material, last)
    found: list[int] = []
    for step in reversed(earlier):
        theirs = _words(material, step)
        if theirs & words or f"session-{step.index}" in words:
            words |= {word for word in theirs if not word.startswith("tenant")}
            found.append(step.index)
    return sorted(found)


def _words(material: Material, step: Step) -> set[str]:
    request = material.requests[step.index]
    facts = request_facts(request, material.spec)
    body = facts.body if isinstance(facts.body, dict) else {}
    words = {f"{key.removesuffix('Id')} {value}" for key, value in facts.path.items()}
    for key in ("agentId", "tenantId"):
        if key in body:
            words.add(f"{key.removesuffix('Id')} {body[key]}")
    return words | set(re.findall(r"session-\d+", request.target))
