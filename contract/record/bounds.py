"""Both sides of every bound, word and spelling of openapi.yaml's request bodies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from contract.api.specification import Specification
from contract.http.messages import Request

_LETTER: Final = re.compile(
    r"\[(\w)(\w)\]"
)  # a letter in either case, as the patterns of words have it
_STEP: Final = 0.001  # a fraction outside of a bound
_TYPES: Final[Mapping[str, Any]] = {
    "string": "x",
    "integer": 1,
    "number": 0.5,
    "boolean": True,
    "object": {},
    "array": [],
}
Path = tuple[str, ...]


def bounds(request: Request, spec: Specification, operation: str) -> Iterator[tuple[str, Request]]:
    """Variants of a valid request, named by the place in the body and the value."""
    schema = spec.body_schema(operation)
    if not request.body or not schema:
        return
    document = json.loads(request.body)
    for path, found in _properties(spec, schema, ()):
        for name, value in _values(found):
            yield f"{'.'.join(path)}-{name}", _put(request, document, path, value)
        spelled = (*path[:-1], re.sub(r"[A-Z]", lambda c: f"_{c[0].lower()}", path[-1]))
        if spelled != path and len(path) > 1:
            value = next(iter(_valid(found)), None)
            yield f"{'.'.join(path)}-both-spellings", _put(request, document, spelled, value)
            bare = _without(document, path)
            yield f"{'.'.join(path)}-snake-case", _put(request, bare, spelled, value)


def _properties(
    spec: Specification, schema: Mapping[str, Any], path: Path
) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for name, raw in spec.resolved(schema).get("properties", {}).items():
        found = spec.resolved(raw)
        yield (*path, name), found
        if len(path) < 3:
            yield from _properties(spec, found, (*path, name))


def _values(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for bound, outwards in (("minimum", -1), ("maximum", 1)):
        if bound in schema:
            limit = schema[bound]
            yield f"at-{bound}", limit
            yield f"beyond-{bound}", limit + outwards
            yield f"just-beyond-{bound}", limit + outwards * _STEP
            yield f"{bound}-as-text", str(limit)
    for word in _words(schema):
        for name, text in {
            "word": word,
            "upper": word.upper(),
            "blank-first": f" {word}",
            "blank-last": f"{word} ",
            "more": f"{word}x",
            "less": word[:-1],
        }.items():
            yield f"{word}-{name}", text
    for limit in {schema[bound] for bound in ("minLength", "maxLength") if bound in schema}:
        for length in {max(limit - 1, 0), limit, limit + 1}:
            yield f"{length}-characters", "x" * length
    if "maxItems" in schema:
        for count in (0, schema["maxItems"], schema["maxItems"] + 1):
            yield f"{count}-items", [{}] * count
    if schema.keys() & {"minimum", "maximum"}:
        yield from (("null", None), ("flag", True), ("list", []))


def _valid(schema: Mapping[str, Any]) -> Iterator[Any]:
    if "minimum" in schema:
        yield schema["minimum"]
    yield from _words(schema)
    kinds = schema.get("type", ())
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        if kind in _TYPES:
            yield _TYPES[kind]


def _words(schema: Mapping[str, Any]) -> Iterator[str]:
    """The words of an enum, or of a pattern that has them in both letter cases."""
    yield from (word for word in schema.get("enum", ()) if isinstance(word, str))
    pattern = schema.get("pattern", "")
    if _LETTER.match(pattern.removeprefix("^(")):
        plain = _LETTER.sub(r"\2", pattern)
        yield from re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)*", plain)


def _put(request: Request, document: Mapping[str, Any], path: Path, value: Any) -> Request:
    return request.with_body(json.dumps(_changed(document, path, value)).encode())


def _changed(document: Any, path: Path, value: Any) -> Any:
    if not path:
        return value
    given = document if isinstance(document, dict) else {}
    return {**given, path[0]: _changed(given.get(path[0]), path[1:], value)}


def _without(document: Any, path: Path) -> Any:
    if not isinstance(document, dict) or path[0] not in document:
        return document
    if len(path) > 1:
        return {**document, path[0]: _without(document[path[0]], path[1:])}
    return {key: value for key, value in document.items() if key != path[0]}
