"""Answers that are nearly an accepted one, by what an entry changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from contract.http.messages import Answer, Effect
from contract.judge.exchange import Exchange
from contract.judge.rules import Rule
from contract.values.answer_changes import changed
from contract.values.documents import Kind, dump, parse, plain


def neighbours(case: Exchange, rule: Rule, peer: str) -> Iterator[tuple[str, Answer]]:
    """Named neighbours of the new answer of an exchange that a rule accepted.

    A change that does not fit (null in place of null) gives the answer itself, which is no neighbour.
    """
    for name, answer in _candidates(case, rule, peer):
        if answer != case.new:
            yield name, answer


def _candidates(case: Exchange, rule: Rule, peer: str) -> Iterator[tuple[str, Answer]]:
    answer = case.new
    if rule.new.keys() & {"status", "body", "set"}:
        yield "another status", replace(answer, status=answer.status + 1)
        yield from _other_bodies(case)
    for name in rule.new.get("headers", {}):
        yield (
            f"header {name} with another value",
            changed(answer, {"headers": {name: "something-else"}}, case.words),
        )
    yield "one header more", changed(answer, {"headers": {"x-surprise": "1"}}, case.words)
    yield "no content type", changed(answer, {"headers": {"content-type": None}}, case.words)
    if "effects" in rule.new:
        more = (*answer.effects, Effect("Surprise", "{}"))
        yield f"one call to {peer} more", replace(answer, effects=more)
        yield f"one call to {peer} less", replace(answer, effects=answer.effects[:-1])


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
