"""JSON Schemas of tools' arguments: a bounded part of JSON Schema, and the validator for it.

Every keyword that is accepted is checked, except those in `ANNOTATIONS`, which only the model reads. A
regular expression of an agent could hold up a worker, so `pattern` is one of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from agent_runtime.domain.errors import ConfigIssue

Path = tuple[str | int, ...]

MAX_DEPTH: Final = 10
MAX_SCHEMA: Final = 16_384  # characters of one tool's schema as JSON
MAX_FAULTS: Final = 5
ANNOTATIONS: Final = frozenset(
    {"title", "description", "default", "examples", "example", "format", "pattern", "$schema"}
    | {"deprecated", "readOnly", "writeOnly", "$comment", "strict"}
)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: Final[Mapping[str, Callable[[object], bool]]] = {
    "object": lambda value: isinstance(value, Mapping),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "integer": lambda value: _is_number(value) and float(value) % 1 == 0,  # type: ignore[arg-type]
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}
_COUNTS: Final = (
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
)
_NUMBERS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_WHOLE: Final = _TYPES["integer"]
_OF: Final = ("anyOf", "oneOf", "allOf")


def _is_type(value: object) -> bool:
    kinds = value if isinstance(value, list) and value else [value]
    return all(isinstance(one, str) and one in _TYPES for one in kinds)


# What the value of a keyword must be, and the words for it.
_VALUES: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "type": (_is_type, f"must be one of {', '.join(_TYPES)}, or a list of them"),
    "properties": (_TYPES["object"], "must be a JSON object"),
    "required": (
        lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
        "must be a list of names",
    ),
    "additionalProperties": (
        lambda value: isinstance(value, bool | Mapping),
        "must be true, false or a schema",
    ),
    **dict.fromkeys(
        ("enum", *_OF),
        (lambda value: isinstance(value, list) and bool(value), "must be a list, not an empty one"),
    ),
    **dict.fromkeys(
        _COUNTS,
        (lambda value: _WHOLE(value) and value >= 0, "must be a whole number, 0 or more"),
    ),
    **dict.fromkeys(_NUMBERS, (_is_number, "must be a number")),
}
_KNOWN: Final = (
    ANNOTATIONS
    | {"type", "properties", "required", "additionalProperties", "items", "enum", "const"}
    | {*_COUNTS, *_NUMBERS, *_OF}
)


def schema_issues(schema: Mapping[str, Any]) -> Iterator[ConfigIssue]:
    """Yield what is wrong with the schema of a tool's arguments, each with its path in the schema."""
    if len(json.dumps(schema)) > MAX_SCHEMA:
        yield ConfigIssue((), f"has more than {MAX_SCHEMA} characters")
        return
    if schema.get("type", "object") != "object":
        yield ConfigIssue(("type",), "must be object: arguments have names")
        return
    yield from _issues(schema, ())


def _issues(schema: Any, path: Path) -> Iterator[ConfigIssue]:
    if not isinstance(schema, Mapping):
        yield ConfigIssue(path, "must be a JSON object")
        return
    if len(path) > 2 * MAX_DEPTH:
        yield ConfigIssue(path, f"has more than {MAX_DEPTH} levels")
        return
    for key, value in schema.items():
        if key not in _KNOWN:
            yield ConfigIssue((*path, key), "is no keyword that is checked here; leave it out")
        elif key not in ANNOTATIONS and (message := _keyword_issue(key, value)):
            yield ConfigIssue((*path, key), message)
        else:
            for inner, one in _inner(key, value):
                yield from _issues(one, (*path, key, *inner))


def _keyword_issue(key: str, value: Any) -> str | None:
    """What is wrong with the value of one keyword."""
    is_right, message = _VALUES.get(key, (lambda _value: True, ""))
    return None if is_right(value) else message


def _inner(key: str, value: Any) -> Iterator[tuple[Path, Any]]:
    """The schemas inside a keyword's value."""
    if key == "properties":
        for name, one in value.items():
            yield (name,), one
    elif key in _OF:
        for number, one in enumerate(value):
            yield (number,), one
    elif key == "items" or (key == "additionalProperties" and not isinstance(value, bool)):
        yield (), value


def faults(schema: Mapping[str, Any], arguments: Any) -> list[str]:
    """What is wrong with the arguments by the schema, in words for the model, at most `MAX_FAULTS`.

    The schema is one without `schema_issues`. The values of arguments are not repeated.
    """
    found: list[str] = []
    for fault in _faults({"type": "object", **schema}, arguments, "arguments"):
        found.append(fault)
        if len(found) == MAX_FAULTS:
            break
    return found


def _faults(schema: Mapping[str, Any], value: Any, name: str) -> Iterator[str]:
    kinds = schema.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if kinds and not any(_TYPES[kind](value) for kind in kinds):
        yield f"{name} must be of type {' or '.join(kinds)}"
        return
    if "enum" in schema and not any(_same(value, one) for one in schema["enum"]):
        yield f"{name} must be one of {json.dumps(schema['enum'], ensure_ascii=False)[:500]}"
    if "const" in schema and not _same(value, schema["const"]):
        yield f"{name} must be {json.dumps(schema['const'], ensure_ascii=False)[:200]}"
    if isinstance(value, str):
        yield from _size(schema, len(value), "Length", "characters", name)
    elif isinstance(value, Mapping):
        yield from _size(schema, len(value), "Properties", "values", name)
        yield from _object(schema, value, name)
    elif isinstance(value, list):
        yield from _size(schema, len(value), "Items", "items", name)
        if "items" in schema:
            for number, one in enumerate(value):
                yield from _faults(schema["items"], one, f"{name}.{number}")
    elif _is_number(value):
        yield from _range(schema, value, name)
    yield from _combined(schema, value, name)


def _object(schema: Mapping[str, Any], value: Mapping[str, Any], name: str) -> Iterator[str]:
    properties = schema.get("properties", {})
    for key in schema.get("required", ()):
        if key not in value:
            yield f"{name}.{key} is required"
    others = schema.get("additionalProperties", True)
    for key, one in value.items():
        if key in properties:
            yield from _faults(properties[key], one, f"{name}.{key}")
        elif others is False:
            yield f"{name}.{key[:64]} is unknown; leave it out"
        elif isinstance(others, Mapping):
            yield from _faults(others, one, f"{name}.{key[:64]}")


def _combined(schema: Mapping[str, Any], value: Any, name: str) -> Iterator[str]:
    for one in schema.get("allOf", ()):
        yield from _faults(one, value, name)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            fitting = sum(1 for one in schema[key] if next(_faults(one, value, name), None) is None)
            if fitting == 0 or (key == "oneOf" and fitting > 1):
                yield f"{name} must fit {'one' if key == 'oneOf' else 'any'} of its schemas"


def _size(schema: Mapping[str, Any], size: int, what: str, unit: str, name: str) -> Iterator[str]:
    if size < schema.get(f"min{what}", 0):
        yield f"{name} must have at least {schema[f'min{what}']} {unit}"
    if f"max{what}" in schema and size > schema[f"max{what}"]:
        yield f"{name} must have at most {schema[f'max{what}']} {unit}"


def _range(schema: Mapping[str, Any], value: float, name: str) -> Iterator[str]:
    if "minimum" in schema and value < schema["minimum"]:
        yield f"{name} must be {schema['minimum']} or more"
    if "maximum" in schema and value > schema["maximum"]:
        yield f"{name} must be {schema['maximum']} or less"
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        yield f"{name} must be more than {schema['exclusiveMinimum']}"
    if "exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"]:
        yield f"{name} must be less than {schema['exclusiveMaximum']}"


def _same(one: Any, other: Any) -> bool:
    """Equality of JSON: true is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)
