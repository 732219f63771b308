"""Whether the ledger itself may be trusted: nothing expired, nothing unused, no leaks.

A leak test takes an exchange that an entry accepted and changes the new service's answer a little:
each such neighbour must be caught. It also gives the accepted answer to other requests of the
operation, where the entry does not hold.
"""

from __future__ import annotations

import datetime as dt
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from contract.http.messages import Answer, Effect
from contract.judge.comparison import Comparison, Material
from contract.judge.judge import Exchange, judge
from contract.judge.noise import Noise
from contract.ledger.entries import Entry
from contract.values.answer_changes import changed
from contract.values.documents import Kind, dump, parse, plain

NEIGHBOURS: Final = 3
_CASES: Final = 3
_FAR: Final = 6


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with an entry: `problem` is expired, unused, leaks or untested."""

    entry: str
    problem: str
    detail: str


def audit(
    material: Material,
    comparisons: Sequence[Comparison],
    today: dt.date,
    cannot: frozenset[str],
    seed: int,
) -> list[Fault]:
    """All faults of the ledger. `cannot` names the changes that the targets cannot make."""
    found: list[Fault] = []
    for entry in material.entries:
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
        for name, answer in _neighbours(case, entry):
            tried += 1
            if _silent(material, comparison.noise, case, answer):
                yield Fault(entry.id, "leaks", f"step {case.index}: {name} was not noticed")
    others = [
        case
        for case in comparison.exchanges.values()
        if case.request.operation == cases[0].request.operation
        and not entry.when.evaluate(case.vocabulary)
    ]
    for other in chance.sample(others, min(_FAR, len(others))):
        answer = replace(cases[0].new, sent=other.new.sent, received=other.new.received)
        if _alike(answer, other.new):
            continue
        tried += 1
        if _silent(material, comparison.noise, other, answer):
            yield Fault(entry.id, "leaks", f"its answer passed for step {other.index} too")
    if tried < NEIGHBOURS:
        yield Fault(entry.id, "untested", f"only {tried} neighbours could be made of its uses")


def _alike(one: Answer, other: Answer) -> bool:
    """Whether two answers say the same at different times."""
    texts = [re.sub(r"\d+-\d\d-\d\dT[\d:.]+Z", "then", answer.text) for answer in (one, other)]
    return one.status == other.status and texts[0] == texts[1]


def _silent(material: Material, noise: Noise, case: Exchange, answer: Answer) -> bool:
    found = judge(case.answered(answer), material.entries, material.spec).differences
    return all(noise.hides(case.index, difference) for difference in found)


def _neighbours(case: Exchange, entry: Entry) -> Iterator[tuple[str, Answer]]:
    """Answers that are nearly the accepted one, by what the entry changes."""
    answer = case.new
    if entry.new.keys() & {"status", "body", "set"}:
        yield "another status", replace(answer, status=answer.status + 1)
        yield from _other_bodies(case)
    for name in entry.new.get("headers", {}):
        yield (
            f"header {name} with another value",
            changed(answer, {"headers": {name: "something-else"}}, case.vocabulary),
        )
    yield "one header more", changed(answer, {"headers": {"x-surprise": "1"}}, case.vocabulary)
    yield "no content type", changed(answer, {"headers": {"content-type": None}}, case.vocabulary)
    if "effects" in entry.new:
        more = (*answer.effects, Effect("DeleteRoom", "{}"))
        yield "one call to LiveKit more", replace(answer, effects=more)
        if answer.effects:
            yield "one call to LiveKit less", replace(answer, effects=answer.effects[:-1])


def _other_bodies(case: Exchange) -> Iterator[tuple[str, Answer]]:
    document = parse(case.new)
    if document.kind is Kind.EMPTY and case.request.method == "HEAD":
        return
    if document.kind is not Kind.JSON or not isinstance(document.value, dict):
        yield "another body", replace(case.new, body=case.new.body + b" more")
        return
    value: Mapping[str, Any] = document.value
    yield "an additional key", _with_body(case.new, {**value, "surprise": 1})
    for key, inner in value.items():
        rest = {k: v for k, v in value.items() if k != key}
        yield f"no {key}", _with_body(case.new, rest)
        yield f"{key} as null", _with_body(case.new, {**value, key: None})
        yield f"another {key}", _with_body(case.new, {**value, key: _other(plain(inner))})


def _with_body(answer: Answer, value: Mapping[str, Any]) -> Answer:
    return replace(answer, body=dump(value).encode())


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return f"{value}"
    return f"not {value}" if isinstance(value, str) else "something else"
