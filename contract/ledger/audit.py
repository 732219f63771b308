"""The audit of the ledger: no entry may be expired, unused or leaking.

A leak test takes an exchange that an entry accepted and changes the new service's answer a little:
the gate must notice each such neighbour. It also gives the accepted answer to other requests of the
operation, for which the entry does not hold.
"""

from __future__ import annotations

import datetime as dt
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from contract.http.messages import Answer
from contract.judge.comparison import Comparison
from contract.judge.exchange import Exchange
from contract.judge.judge import judge
from contract.judge.material import Material
from contract.judge.noise import Noise
from contract.ledger.entries import Entry
from contract.ledger.neighbours import neighbours

# Fewer neighbours than this prove nothing about an entry.
ENOUGH: Final = 3
_CASES: Final = 3  # uses of an entry whose neighbours are tried
_FAR: Final = 6  # other requests that are tried with the accepted answer


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of an entry: `problem` is expired, unused, leaks or untested."""

    entry: str
    problem: str
    detail: str


def audit(
    material: Material,
    entries: Sequence[Entry],
    comparisons: Sequence[Comparison],
    today: dt.date,
    cannot: frozenset[str],
    seed: int,
) -> list[Fault]:
    """All faults of the ledger. `cannot` names the changes that the targets cannot make."""
    found: list[Fault] = []
    for entry in entries:
        if entry.expires < today:
            found.append(Fault(entry.id, "expired", f"on {entry.expires}: decide again"))
        uses = [c for c in comparisons if entry.id in c.uses]
        if not uses:
            if entry.demanded not in cannot:
                found.append(Fault(entry.id, "unused", "nothing in this run needs it: remove it"))
            continue
        found += _leaks(material, uses[0], entry, random.Random(f"{seed} {entry.id}"))  # noqa: S311
    return found


def _leaks(
    material: Material, comparison: Comparison, entry: Entry, chance: random.Random
) -> Iterator[Fault]:
    cases = [comparison.exchanges[step] for step in comparison.uses[entry.id]]
    tried = 0
    for case in chance.sample(cases, min(_CASES, len(cases))):
        for name, answer in neighbours(case, entry, material.api.profile.peer):
            tried += 1
            if _silent(material, comparison.noise, case, answer):
                yield Fault(entry.id, "leaks", f"step {case.index}: {name} was not noticed")
    others = [
        case
        for case in comparison.exchanges.values()
        if case.request.operation == cases[0].request.operation
        and not entry.when.evaluate(case.words)
    ]
    for other in chance.sample(others, min(_FAR, len(others))):
        answer = replace(cases[0].new, sent=other.new.sent, received=other.new.received)
        if _alike(answer, other.new):
            continue
        tried += 1
        if _silent(material, comparison.noise, other, answer):
            yield Fault(entry.id, "leaks", f"its answer passed for step {other.index} too")
    if tried < ENOUGH:
        yield Fault(entry.id, "untested", f"only {tried} neighbours could be made of its uses")


def _alike(one: Answer, other: Answer) -> bool:
    """Whether two answers are equal but for their times."""
    texts = [re.sub(r"\d+-\d\d-\d\dT[\d:.]+Z", "then", answer.text) for answer in (one, other)]
    return one.status == other.status and texts[0] == texts[1]


def _silent(material: Material, noise: Noise, case: Exchange, answer: Answer) -> bool:
    """Whether the gate would not notice this answer."""
    found = judge(case.answered(answer), material.rules, material.api).differences
    return all(noise.hides(case.index, difference) for difference in found)
