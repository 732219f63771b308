"""The types of plugins' options, and how a value from JSON is checked against one.

A type is a plain annotation: `bool`, `int`, `str | list[str]`, `Literal["a", "b"]`, `dict[str, str]`,
`list[tuple[str, float]]`, or one of them with bounds, as `Annotated[int, Field(ge=0)]`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_snake

PositiveInt = Annotated[int, Field(gt=0)]
CountingInt = Annotated[int, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
_WORDS: Final[Mapping[Any, str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    NoneType: "null",
    Any: "any value",
}


def option_name(options: Mapping[str, Any], key: str) -> str:
    """The option that the key names, in the plugin's spelling or in camelCase; the key itself if none."""
    return snake if key not in options and (snake := to_snake(key)) in options else key


def read_option(kind: Any, value: Any) -> Any:
    """The value of JSON as the plugin takes it. Raises ValueError, which names the expected type."""
    text = json.dumps(_without_fractions(value))
    try:
        return _adapter(kind).validate_json(text, strict=True)
    except ValidationError as error:
        bounds = {
            str(fault["msg"]) for fault in error.errors() if not fault["type"].endswith("_type")
        }
        why = f" ({'; '.join(sorted(bounds))})" if bounds and get_origin(kind) is Annotated else ""
        raise ValueError(f"expected {in_words(kind)}{why}") from error


def in_words(kind: Any) -> str:
    """The type for people."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return in_words(inner[0])
    if origin is Literal:
        values = [json.dumps(value) for value in inner]
        return values[0] if len(values) == 1 else f"one of {', '.join(values)}"
    if origin in (Union, UnionType):
        return " or ".join(map(in_words, inner))
    if origin is list:
        return f"a list of ({in_words(inner[0])})"
    if origin is tuple:
        return f"a list [{', '.join(map(in_words, inner))}]"
    if origin is dict:
        return f"an object whose values are ({in_words(inner[1])})"
    return _WORDS.get(kind, "an object")


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _without_fractions(value: Any) -> Any:
    """In JSON, 10.0 is an integer, too."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_without_fractions(item) for item in value]
    return value
