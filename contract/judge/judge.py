"""Judges one answer of the new service: what the ledger makes of the old one's, then compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from contract.agent_api.model.facts import World
from contract.agent_api.model.vocabulary import vocabulary
from contract.api.request_facts import RequestFacts, answer_facts
from contract.api.specification import Specification
from contract.corpus.frozen import Step
from contract.errors import BrokenInput
from contract.http.messages import Answer
from contract.judge.compare import Difference, Expectation, differences, expected_from
from contract.ledger.entries import Entry
from contract.values.documents import Kind, dump, typed
from contract.values.expressions import render
from contract.values.typed_values import Window


@dataclass(frozen=True, slots=True)
class Exchange:
    """One step with the answers of both sides and the facts that held before it."""

    index: int
    request: RequestFacts
    old: Answer
    new: Answer
    vocabulary: Mapping[str, Any]

    def answered(self, new: Answer) -> Exchange:
        """The same exchange with another answer of the new service."""
        return replace(self, new=new, vocabulary={**self.vocabulary, "new": answer_facts(new)})


@dataclass(frozen=True, slots=True)
class Judgement:
    """Differences that no entry accepts, and the ids of the entries that were applied."""

    differences: tuple[Difference, ...]
    used: tuple[str, ...]


def exchange(
    step: Step,
    request: RequestFacts,
    answers: tuple[Answer, Answer],
    world: World,
    spec: Specification,
    *,
    watched: bool = False,
) -> Exchange:
    """Puts together what judging one step needs; `answers` are old and new."""
    old, new = answers
    return Exchange(
        step.index,
        request,
        old,
        new,
        vocabulary(step, request, old, new, world, spec, watched=watched),
    )


def expectation(
    step: Exchange, entries: Sequence[Entry], spec: Specification
) -> tuple[Expectation, tuple[str, ...]]:
    """What the new service must answer, and the ids of the entries that changed it."""
    places = spec.typed_places.get((step.request.operation, step.old.status))
    expected = expected_from(step.old, places, Window(step.new.sent, step.new.received))
    used = []
    for entry in entries:
        if entry.concerns(step.request.operation) and entry.when.evaluate(step.vocabulary):
            changed = rewritten(expected, entry, step.vocabulary)
            if changed != expected:
                used.append(entry.id)
            expected = changed
    return expected, tuple(used)


def judge(step: Exchange, entries: Sequence[Entry], spec: Specification) -> Judgement:
    """Compare. Raises BrokenInput when an entry's expression fails."""
    expected, used = expectation(step, entries, spec)
    return Judgement(tuple(differences(expected, step.new)), used)


def rewritten(expected: Expectation, entry: Entry, words: Mapping[str, Any]) -> Expectation:
    """The expectation after one entry. Raises BrokenInput when the entry's template fails."""
    new = render(entry.new, words, f"ledger entry {entry.id}")
    if "status" in new:
        expected = replace(expected, status=new["status"])
    if "headers" in new:
        merged = {**expected.headers, **new["headers"]}
        kept = {name: value for name, value in merged.items() if value is not None}
        expected = replace(expected, headers=kept)
    if "body" in new and words["request"].method != "HEAD":
        value = typed(new["body"])
        expected = replace(expected, kind=Kind.JSON, value=value, text=dump(value))
    if "text" in new:
        expected = replace(expected, kind=Kind.HTML, value=None, text=new["text"])
    if "set" in new:
        expected = replace(expected, value=_set(expected.value, new["set"], entry.id))
    if "effects" in new:
        expected = replace(expected, effects=tuple(new["effects"]))
    return expected


def _set(value: Any, places: Mapping[str, Any], entry: str) -> Any:
    if not isinstance(value, dict):
        raise BrokenInput(f"ledger entry {entry}: `set` needs an old answer that is an object")
    changed = dict(value)
    for pointer, wanted in places.items():
        key = pointer.removeprefix("/")
        if wanted is None:
            changed.pop(key, None)
        else:
            changed[key] = typed(wanted)
    return changed
