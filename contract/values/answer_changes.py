"""Changes of an answer, by name: mutants and the audit of the ledger apply them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from contract.http.messages import Answer
from contract.values.documents import Kind, Number, dump, parse, typed
from contract.values.expressions import render
from contract.values.pointers import changed_at, put, removed

Facts = Mapping[str, Any]


def changed(answer: Answer, change: Facts, facts: Facts) -> Answer:
    """The answer after all parts of a change; a part that does not fit changes nothing.

    Raises BrokenInput when an expression of the change fails.
    """
    for name, argument in change.items():
        if name in _BY_NAME:
            answer = _BY_NAME[name](answer, render(argument, facts, f"mutant's {name}"))
    return answer


def _status(answer: Answer, status: int) -> Answer:
    return replace(answer, status=status)


def _body(answer: Answer, body: Any) -> Answer:
    text = body if isinstance(body, str) else dump(typed(body))
    return replace(answer, body=text.encode())


def _set(answer: Answer, places: Facts) -> Answer:
    """Values by pointer; a missing key is added at the end of its object."""

    def change(value: Any) -> Any:
        for pointer, wanted in places.items():
            value = put(value, pointer, typed(wanted))
        return value

    return _rewritten(answer, change)


def _remove(answer: Answer, pointers: list[str]) -> Answer:
    def change(value: Any) -> Any:
        for pointer in pointers:
            value = removed(value, pointer)
        return value

    return _rewritten(answer, change)


def _rename(answer: Answer, names: Mapping[str, str]) -> Answer:
    def change(value: Any) -> Any:
        if isinstance(value, dict):
            return {names.get(key, key): change(inner) for key, inner in value.items()}
        return value

    return _rewritten(answer, change)


def _reverse(answer: Answer, pointer: str) -> Answer:
    def change(value: Any) -> Any:
        if isinstance(value, dict):
            return dict(reversed(value.items()))
        return value[::-1] if isinstance(value, list) else value

    return _rewritten(answer, lambda value: changed_at(value, pointer, change))


def _sort(answer: Answer, pointer: str) -> Answer:
    def change(value: Any) -> Any:
        return sorted(value, key=lambda item: item.value) if isinstance(value, list) else value

    return _rewritten(answer, lambda value: changed_at(value, pointer, change))


def _drop_last(answer: Answer, pointer: str) -> Answer:
    return _rewritten(answer, lambda value: changed_at(value, pointer, lambda items: items[:-1]))


def _repeat_last(answer: Answer, pointer: str) -> Answer:
    return _rewritten(answer, lambda value: changed_at(value, pointer, lambda i: [*i, *i[-1:]]))


def _lexemes(answer: Answer, places: Mapping[str, str]) -> Answer:
    """Numbers in another form: `{value}` stands for the number's text."""

    def change(value: Any) -> Any:
        for pointer, form in places.items():
            value = changed_at(value, pointer, partial(_lexeme, form))
        return value

    return _rewritten(answer, change)


def _lexeme(form: str, value: Any) -> Any:
    return Number(form.replace("{value}", value.lexeme)) if isinstance(value, Number) else value


def _times(answer: Answer, places: Mapping[str, str]) -> Answer:
    def change(value: Any) -> Any:
        for pointer, form in places.items():
            value = changed_at(value, pointer, _TIMES[form])
        return value

    return _rewritten(answer, change)


def _words(answer: Answer, patterns: Mapping[str, str]) -> Answer:
    text = answer.text
    for pattern, words in patterns.items():
        text = re.sub(pattern, words, text)
    return replace(answer, body=text.encode())


def _layout(answer: Answer, _: Any) -> Answer:
    return replace(answer, body=json.dumps(json.loads(answer.body), indent=2).encode())


def _headers(answer: Answer, wanted: Mapping[str, str | None]) -> Answer:
    lower = {name.lower() for name in wanted}
    kept = tuple(item for item in answer.headers if item[0].lower() not in lower)
    added = tuple((name, value) for name, value in wanted.items() if value is not None)
    return replace(answer, headers=kept + added)


def _effects(answer: Answer, what: str) -> Answer:
    """`none`, `twice`, or a text that replaces the symbol of every generated id."""
    if what == "none":
        return replace(answer, effects=())
    if what == "twice":
        return replace(answer, effects=answer.effects * 2)
    spoilt = tuple(
        replace(effect, body=re.sub(r"<\w+-\d+>", what, effect.body)) for effect in answer.effects
    )
    return replace(answer, effects=spoilt)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _milliseconds(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


_TIMES: Final[Mapping[str, Callable[[Any], Any]]] = {
    "offset": lambda text: text.replace("Z", "+00:00"),
    "no-zone": lambda text: text.replace("Z", ""),
    "microseconds": lambda text: text.replace("Z", "000Z"),
    "seconds": lambda text: re.sub(r"\.\d+Z", "Z", text),
    "space": lambda text: text.replace("T", " "),
    "lower-case": lambda text: text.lower(),
    "epoch-milliseconds": lambda text: Number(str(int(_moment(text).timestamp() * 1000))),
    "epoch-text": lambda text: str(int(_moment(text).timestamp())),
    "hour-late": lambda text: _milliseconds(_moment(text) + timedelta(hours=1)),
    "hour-early": lambda text: _milliseconds(_moment(text) - timedelta(hours=1)),
    "date": lambda text: text[:10],
    "http": lambda text: _moment(text).strftime("%a, %d %b %Y %H:%M:%S GMT"),
}

_BY_NAME: Final[Mapping[str, Callable[[Answer, Any], Answer]]] = {
    "status": _status,
    "body": _body,
    "set": _set,
    "remove": _remove,
    "rename": _rename,
    "reverse": _reverse,
    "sort": _sort,
    "drop-last": _drop_last,
    "repeat-last": _repeat_last,
    "lexemes": _lexemes,
    "times": _times,
    "words": _words,
    "layout": _layout,
    "headers": _headers,
    "effects": _effects,
}


ANSWER_CHANGES: Final = frozenset(_BY_NAME)


def _rewritten(answer: Answer, change: Callable[[Any], Any]) -> Answer:
    document = parse(answer)
    if document.kind is not Kind.JSON:
        return answer
    return replace(answer, body=dump(change(document.value)).encode())
