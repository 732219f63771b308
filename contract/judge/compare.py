"""Compares what was expected of an answer with what came. Nothing is ignored without a rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from contract.api.specification import PlaceType
from contract.http.messages import Answer, Effect, Headers
from contract.replay.identity import pointed
from contract.values.documents import Document, Json, Kind, Number, dump, parse, parse_json
from contract.values.typed_values import Marker, Matching, Moment, Window, form_of_time

# Of the message's framing and clock, not of what it says: h11 has checked it against the body.
FRAMING: Final = frozenset({"date", "content-length", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where an answer is not as expected. `kind` is a word for people and clusters."""

    kind: str
    at: str
    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an answer must be. Body values and header values may be markers."""

    status: int
    headers: Mapping[str, str | Marker]
    kind: Kind
    value: Any = None
    text: str | Marker = ""
    effects: tuple[Effect, ...] = field(default=())


def expected_from(
    answer: Answer, places: Mapping[str, PlaceType] | None, window: Window
) -> Expectation:
    """What another service must answer to be like this one: the same, but for typed places.

    A typed place counts as such only where this answer's own value is of that type. Where the
    contract knows nothing of the answer (`places` is None), a time of just now is typed.
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
            value = _with(value, pointer, Moment(window, form_of_time(found)))
    return Expectation(
        answer.status, joined(answer.headers), document.kind, value, document.text, answer.effects
    )


def _guessed(value: Json) -> Mapping[str, PlaceType]:
    if not isinstance(value, dict):
        return {}
    return {f"/{key}": "moment" for key in value}


_OLDEST: Final = 86_400.0  # a stored time may be as old as the longest run


def differences(expected: Expectation, actual: Answer) -> list[Difference]:
    """All differences, in the order status, headers, body, effects."""
    found: list[Difference] = []
    if actual.status != expected.status:
        found.append(Difference("status", "status", str(expected.status), str(actual.status)))
    found += _headers(expected.headers, joined(actual.headers))
    found += _body(expected, parse(actual))
    found += _effects(expected.effects, actual.effects)
    return found


def joined(headers: Headers) -> dict[str, str]:
    """Header values by lower-case name, several of one name joined; framing left out."""
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
                # Each service hashes its own bytes (times and ids in them): the form must agree.
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
    """A JSON null says as little as an empty body, but is not the same."""
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


def _effects(expected: Sequence[Effect], actual: Sequence[Effect]) -> Iterator[Difference]:
    calls = [effect.call for effect in expected]
    made = [effect.call for effect in actual]
    if calls != made:
        yield Difference(
            "side effect", "LiveKit calls", ", ".join(calls) or "none", ", ".join(made) or "none"
        )
        return
    for one, other in zip(expected, actual, strict=True):
        wanted, found = parse_json(one.body), parse_json(other.body)
        for difference in _values(wanted, found, f"LiveKit {one.call} "):
            yield replace(difference, kind="side effect")


def _same(expected: str | Marker, actual: str) -> bool:
    return expected.fault(actual) is None if isinstance(expected, Marker) else expected == actual


def _kind_of_fault(marker: Marker) -> str:
    return "time" if isinstance(marker, Moment) else "value"


def _with(value: Json, pointer: str, marker: Marker) -> Any:
    """A copy of the value with the marker at a pointer of plain keys."""
    head, _, rest = pointer[1:].partition("/")
    if not isinstance(value, dict):
        return marker
    inner = _with(value[head], f"/{rest}", marker) if rest else marker
    return {**value, head: inner}
