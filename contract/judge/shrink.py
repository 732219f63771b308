"""The shortest sequence of requests that still shows a finding, by delta debugging.

Zeller and Hildebrandt's ddmin (IEEE TSE 28(2), 2002) over the steps before the finding. Steps that
share an id with the finding's step are tried first, since they are usually enough.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
MOST_TRIALS: Final = 32  # replays for one cluster
MOST_SENT: Final = 8000  # requests in all these replays
MOST_STEPS: Final = 200  # steps before the finding, where related ones do not show it
_WRITES = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Shortest:
    """The indexes of the steps to send, the finding's own last.

    `reduced` is false where no part of the corpus showed the finding within the limits: then only the whole
    corpus up to this step is known to show it.
    """

    steps: tuple[int, ...]
    reduced: bool


async def minimal(
    material: Material, cluster: Cluster, noise: Noise, old: Target, new: Target
) -> Shortest:
    """The fewest steps that MOST_TRIALS find; each result was replayed, and showed the finding."""
    first = cluster.first
    last = first.step
    steps = {step.index: step for step in material.corpus.steps}
    faults = material.api.profile.faults
    trials = sent = 0

    async def shows(before: Sequence[int]) -> bool:
        nonlocal trials, sent
        chosen = paired([steps[index] for index in before], steps[last], steps.values(), faults)
        trials, sent = trials + 1, sent + len(chosen) + 1
        if trials > MOST_TRIALS or sent > MOST_SENT:
            return False
        part = material.only([*chosen, last])
        found, failure = await replay_all(part, [old, new])
        if failure is not None:
            return False
        again = compare_replays(part, found[0], found[1], noise)
        return any(
            finding.step == last
            and (finding.statuses[1], finding.difference.kind, finding.difference.at)
            == (first.statuses[1], first.difference.kind, first.difference.at)
            for finding in again.findings
        )

    def complete(before: Sequence[int]) -> Shortest:
        chosen = paired([steps[index] for index in before], steps[last], steps.values(), faults)
        return Shortest((*chosen, last), reduced=True)

    for start in _starts(material, steps, last):
        if await shows(start):
            return complete(await ddmin(start, shows))
    return Shortest((last,), reduced=False)


def _starts(material: Material, steps: Mapping[int, Step], last: int) -> Iterator[list[int]]:
    """Parts of the corpus that may show the finding, the smallest first."""
    yield []
    earlier = [index for index in steps if index < last]
    writes = [
        index
        for index in earlier
        if steps[index].request.method in _WRITES or steps[index].before is not None
    ]
    seen: list[list[int]] = [[]]
    for start in (
        _related(material, [steps[index] for index in writes], steps[last]),
        _related(material, [steps[index] for index in earlier], steps[last]),
        writes[-MOST_STEPS // 10 :],
        earlier[-MOST_STEPS:],
        writes[-MOST_STEPS:],
        writes[-10 * MOST_STEPS :],
    ):
        if start not in seen:
            seen.append(start)
            yield start


def paired(
    chosen: Sequence[Step], last: Step, everything: Iterable[Step], faults: Mapping[str, str]
) -> list[int]:
    """The chosen steps with faults and their repairs in pairs.

    A fault without its repair would spoil the steps after it, a repair without its fault would repair what
    is not broken. A fault whose repair comes after the last step stays alone.
    """
    kept = {step.index for step in chosen}
    open_fault: dict[str, int] = {}
    for step in everything:
        if step.index > last.index:
            break
        before = step.before
        if before is None:
            continue
        if before in faults:
            open_fault[faults[before]] = step.index
        elif before in open_fault:
            begin = open_fault.pop(before)
            if step.index == last.index:
                kept.add(begin)
            elif (begin in kept) != (step.index in kept):
                kept -= {begin, step.index}
    kept.discard(last.index)
    return sorted(kept)


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
