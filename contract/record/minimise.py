"""Keeps of the generated requests those that show something new."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from contract.api.specification import Specification
from contract.http.messages import Request
from contract.record.proxy import Taken
from contract.replay.identity import new_id

# How many requests may look alike in all that `_shape` sees.
ALIKE: Final = 4
_NUMBER: Final = re.compile(r"\d+")


def minimised(taken: Sequence[Taken], spec: Specification, most: int) -> list[Taken]:
    """At most about `most` requests, in their order; a session that one of them uses stays too.

    Two requests are alike when their operation, the shape of their parameters, headers and body,
    and the old service's answer to them are. The first few of each kind are kept, fewer when there
    are too many.
    """
    shapes = [_shape(item, spec) for item in taken]
    for alike in range(ALIKE, 0, -1):
        kept = _first_of_each(taken, shapes, alike)
        if len(kept) <= most:
            break
    return [taken[index] for index in sorted(_with_sources(taken, kept, spec))[:most]]


def _first_of_each(taken: Sequence[Taken], shapes: Sequence[str], alike: int) -> set[int]:
    seen: Counter[str] = Counter()
    exact: set[bytes] = set()
    kept = set()
    for index, (item, shape) in enumerate(zip(taken, shapes, strict=True)):
        raw = hashlib.sha256(item.request.raw("")).digest()
        repeated = raw in exact and item.answer.status != 200
        if seen[shape] < alike and not repeated:
            seen[shape] += 1
            exact.add(raw)
            kept.add(index)
    return kept


def _with_sources(taken: Sequence[Taken], kept: set[int], spec: Specification) -> set[int]:
    """The kept requests and those that handed out the ids which they use."""
    source: dict[str, int] = {}
    needed = set(kept)
    for index, item in enumerate(taken):
        handed_out = new_id(spec, item.request, item.answer)
        if index in kept:
            words = re.findall(r"[A-Za-z0-9_-]{21}", item.request.target)
            needed |= {source[word] for word in words if word in source}
        if handed_out is not None:
            source[handed_out] = index
    return needed


def _shape(item: Taken, spec: Specification) -> str:
    request, answer = item.request, item.answer
    match = spec.match(request.method, request.path)
    parts = [
        match.name,
        sorted((key, _kind_of_text(value)) for key, value in match.path.items()),
        sorted(_kind_of_text(part) for part in request.query.split("&") if part),
        (request.header("content-type") or "").lower(),
        request.header("authorization") or "",
        sorted(name.lower() for name, _ in request.headers),
        _body_shape(request),
        answer.status,
        _NUMBER.sub("9", answer.text)[:400],
    ]
    return json.dumps(parts)


def _body_shape(request: Request) -> str:
    try:
        document = json.loads(request.body)
    except (ValueError, RecursionError):
        return f"no JSON {len(request.body) > 0}"
    if not isinstance(document, dict):
        return type(document).__name__
    config = document.get("config")
    inner = (
        sorted((key, _kind(value)) for key, value in config.items())
        if isinstance(config, dict)
        else _kind(config)
    )
    outer = sorted((key, _kind(value)) for key, value in document.items() if key != "config")
    return json.dumps([outer, inner])


def _kind(value: object) -> str:
    if isinstance(value, str):
        return f"text {_kind_of_text(value)}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        sign = "negative" if value < 0 else "zero" if value == 0 else "positive"
        size = "large" if abs(value) > 2**31 else "small"
        return f"{type(value).__name__} {sign} {size}"
    return type(value).__name__


def _kind_of_text(text: str) -> str:
    """Letters as a, digits as 9, the rest as it is, repetitions once; long tails cut."""
    shape = re.sub(r"[^\W\d_]+", "a", _NUMBER.sub("9", text))
    return shape[:24] if shape.isascii() else f"beyond ASCII {len(shape) > 8}"
