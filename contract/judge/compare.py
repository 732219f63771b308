"""Compares an answer with what it must be. Nothing is ignored without a rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from contract.api.specification import PlaceType
from contract.http.messages import Answer, Effect, Headers
from contract.values.documents import Document, Json, Kind, Number, dump, parse, parse_json
from contract.values.pointers import pointed, put
from contract.values.typed_values import Marker, Matching, Moment, Window, form_of_time

# Framing and clock of a message, not its content; h11 has checked the framing against the body.
FRAMING: Final = frozenset({"date", "content-length", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Difference:
    """A place where an answer is not as expected. `kind` is a word for people and clusters."""

    kind: str
    at: str
    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an answer must be. Values of body and headers may be markers."""

    status: int
    headers: Mapping[str, str | Marker]
    kind: Kind
    value: Any = None
    text: str | Marker = ""
    effects: tuple[Effect, ...] = field(default=())


def expected_from(
    answer: Answer, places: Mapping[str, PlaceType] | None, window: Window
) -> Expectation:
    """What another service must answer to be like this one: the same, except in typed places.

    A typed place counts only where the value of this answer has that type. Where openapi.yaml does not
    have the answer (`places` is None), each present time in it is a typed place.
    """
    document = parse(answer)
    value = document.value
    own = Window(answer.sent - (_OLDEST if places is not None else 0), answer.received)
    if places is None:
        places = _guessed(value)
    for pointer, kind in places.items():
        found = pointed(value, pointer)
        if kind != "moment" or not isinstance(found, str):
            continue
        if Moment(own).fault(found) is None:
            value = put(value, pointer, Moment(window, form_of_time(found)))
    return Expectation(
        answer.status, joined(answer.headers), document.kind, value, document.text, answer.effects
    )


def _guessed(value: Json) -> Mapping[str, PlaceType]:
    if not isinstance(value, dict):
        return {}
    return {f"/{key}": "moment" for key in value}


_OLDEST: Final = 86_400.0  # seconds; a stored time may be as old as the longest run


def differences(expected: Expectation, actual: Answer, peer: str) -> list[Difference]:
    """All differences, in the order status, headers, body, calls to the peer."""
    found: list[Difference] = []
    if actual.status != expected.status:
        found.append(Difference("status", "status", str(expected.status), str(actual.status)))
    found += _headers(expected.headers, joined(actual.headers))
    found += _body(expected, parse(actual))
    found += _effects(expected.effects, actual.effects, peer)
    return found


def joined(headers: Headers) -> dict[str, str]:
    """Header values by lower-case name, those of one name joined; without the framing."""
    found: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        if key not in FRAMING:
            found[key] = f"{found[key]}, {value}" if key in found else value
    return found


def _headers(
    expected: Mapping[str, str | Marker], actual: Mapping[str, str]
) -> Iterator[Difference]:
    for name in sorted(expected.keys() | actual.keys()):
        at = f"header {name}"
        if name not in actual:
            yield Difference("header missing", at, str(expected[name]), "(absent)")
        elif name not in expected:
            yield Difference("header extra", at, "(absent)", actual[name])
        else:
            wanted = expected[name]
            if name == "etag" and isinstance(wanted, str):
                # Each service hashes its own bytes, with its own times and ids: compare the form.
                wanted = Matching(r'W/".+"' if wanted.startswith("W/") else r'".+"')
            if not _same(wanted, actual[name]):
                yield Difference("header value", at, str(wanted), actual[name])


def _body(expected: Expectation, actual: Document) -> Iterator[Difference]:
    wanted, got = _kind(expected.kind, expected.value), _kind(actual.kind, actual.value)
    if wanted != got:
        shown = expected.text if expected.kind is not Kind.JSON else dump(expected.value)
        yield Difference(
            "body kind",
            "body",
            f"{wanted} {shown}".strip(),
            f"{got} {actual.text}".strip(),
        )
    elif expected.kind is Kind.JSON:
        yield from _values(expected.value, actual.value, "body ")
        if not actual.compact:
            yield Difference("layout", "body", "JSON without white space", "white space in it")
    elif not _same(expected.text, actual.text):
        yield Difference("text", "body", str(expected.text), actual.text)


def _kind(kind: Kind, value: Any) -> str:
    """The kind, with JSON null apart: it carries as little as an empty body, but differs."""
    return "null" if kind is Kind.JSON and value is None else str(kind)


def _values(expected: Any, actual: Json, at: str) -> Iterator[Difference]:
    if isinstance(expected, Marker):
        fault = expected.fault(actual)
        if fault is not None:
            yield Difference(_kind_of_fault(expected), at, str(expected), f"{dump(actual)} {fault}")
    elif type(expected) is not type(actual):
        yield Difference("type", at, dump(expected), dump(actual))
    elif isinstance(expected, dict) and isinstance(actual, dict):
        yield from _objects(expected, actual, at)
    elif isinstance(expected, list) and isinstance(actual, list):
        yield from _lists(expected, actual, at)
    elif isinstance(expected, Number) and isinstance(actual, Number):
        if expected.lexeme != actual.lexeme:
            kind = "number form" if expected.value == actual.value else "value"
            yield Difference(kind, at, expected.lexeme, actual.lexeme)
    elif expected != actual:
        yield Difference("value", at, dump(expected), dump(actual))


def _objects(expected: dict[str, Any], actual: dict[str, Json], at: str) -> Iterator[Difference]:
    for key in expected:
        if key not in actual:
            yield Difference("missing", f"{at}/{key}", dump(expected[key]), "(absent)")
        else:
            yield from _values(expected[key], actual[key], f"{at}/{key}")
    for key in actual:
        if key not in expected:
            yield Difference("extra", f"{at}/{key}", "(absent)", dump(actual[key]))
    if list(expected) != list(actual) and set(expected) == set(actual):
        yield Difference("key order", at, ", ".join(expected), ", ".join(actual))


def _lists(expected: list[Any], actual: list[Json], at: str) -> Iterator[Difference]:
    if len(expected) != len(actual):
        yield Difference("length", at, dump(expected), dump(actual))
    elif expected != actual and sorted(map(dump, expected)) == sorted(map(dump, actual)):
        yield Difference("order", at, dump(expected), dump(actual))
    else:
        for index, (one, other) in enumerate(zip(expected, actual, strict=True)):
            yield from _values(one, other, f"{at}/{index}")


def _effects(
    expected: Sequence[Effect], actual: Sequence[Effect], peer: str
) -> Iterator[Difference]:
    calls = [effect.call for effect in expected]
    made = [effect.call for effect in actual]
    if calls != made:
        yield Difference(
            "side effect", f"{peer} calls", ", ".join(calls) or "none", ", ".join(made) or "none"
        )
        return
    for one, other in zip(expected, actual, strict=True):
        wanted, found = parse_json(one.body), parse_json(other.body)
        for difference in _values(wanted, found, f"{peer} {one.call} "):
            yield replace(difference, kind="side effect")


def _same(expected: str | Marker, actual: str) -> bool:
    return expected.fault(actual) is None if isinstance(expected, Marker) else expected == actual


def _kind_of_fault(marker: Marker) -> str:
    return "time" if isinstance(marker, Moment) else "value"
