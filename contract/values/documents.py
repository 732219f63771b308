"""Bodies as typed values that keep what JSON parsers usually lose: number forms, key order."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn, TypeAlias

from contract.http.messages import Answer


@dataclass(frozen=True, slots=True)
class Number:
    """A JSON number by its text; 1 and 1.0 are different."""

    lexeme: str

    @property
    def value(self) -> float | int:
        """The number itself."""
        return json.loads(self.lexeme)  # type: ignore[no-any-return]

    def __str__(self) -> str:
        return self.lexeme


_HALF_SURROGATE = re.compile("[\ud800-\udfff]")

Json: TypeAlias = "bool | str | Number | list[Any] | dict[str, Any] | None"


class Kind(StrEnum):
    """The kind of a body, by its bytes and its content type together."""

    EMPTY = "empty"
    JSON = "json"
    HTML = "html"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Document:
    """A body. Only JSON has a `value`; `compact` JSON has no white space between its parts."""

    kind: Kind
    text: str
    value: Json = None
    compact: bool = True


class _Unusable(ValueError):
    pass


def parse(answer: Answer) -> Document:
    """The body of an answer; invalid JSON counts as text."""
    if not answer.body:
        return Document(Kind.EMPTY, "")
    content_type = (answer.header("content-type") or "").partition(";")[0].strip().lower()
    text = answer.text
    if content_type == "text/html":
        return Document(Kind.HTML, text)
    if content_type == "application/json" or content_type.endswith("+json"):
        try:
            value = parse_json(text)
        except (ValueError, RecursionError):
            return Document(Kind.TEXT, text)
        return Document(Kind.JSON, text, value, compact=_is_compact(text))
    return Document(Kind.TEXT, text)


def parse_json(text: str, *, keys_twice: bool = False) -> Json:
    """JSON with Number for numbers. Raises ValueError, also for NaN.

    A duplicate key is an error too, unless `keys_twice` is set: then the last one counts.
    """
    value: Json = json.loads(
        text,
        parse_int=Number,
        parse_float=Number,
        parse_constant=_refuse_constant,
        object_pairs_hook=None if keys_twice else _object,
    )
    return value


def plain(value: Json) -> Any:
    """The value with Python's numbers, for expressions and templates."""
    if isinstance(value, Number):
        return value.value
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def typed(value: Any) -> Json:
    """The reverse of `plain`: Python's numbers in the form that JSON gives them."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return Number(json.dumps(value))
    if isinstance(value, list | tuple):
        return [typed(item) for item in value]
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    return value  # type: ignore[no-any-return]  # a Marker of typed_values


def dump(value: Any) -> str:
    """Compact JSON text in the form of JSON.stringify; a Number keeps its form."""
    if isinstance(value, Number):
        return value.lexeme
    if isinstance(value, list):
        return f"[{','.join(dump(item) for item in value)}]"
    if isinstance(value, dict):
        items = (f"{dump(key)}:{dump(item)}" for key, item in value.items())
        return f"{{{','.join(items)}}}"
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    text = json.dumps(str(value), ensure_ascii=False)
    return _HALF_SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Unusable("a key appears twice")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise _Unusable(f"{name} is not JSON")


def _is_compact(text: str) -> bool:
    """Whether the text has no white space outside of strings."""
    outside = True
    escaped = False
    for character in text:
        if outside:
            if character in " \t\r\n":
                return False
            outside = character != '"'
        elif escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == '"':
            outside = True
    return True
