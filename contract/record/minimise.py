"""Selects the generated requests that show something new."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from contract.api.api import Api
from contract.http.messages import Request
from contract.record.proxy import Taken
from contract.replay.identity import new_id

# Requests to keep of each shape; a few, because a shape does not see all that matters.
ALIKE: Final = 4
_NUMBER: Final = re.compile(r"\d+")


def minimised(taken: Sequence[Taken], api: Api, most: int) -> list[Taken]:
    """At most `most` requests, in their order, with the requests that handed out the ids they use.

    Two requests are alike when their operation, the shape of their parameters, headers and body, and
    the old service's answers are. The first few of each shape stay, fewer when there are too many.
    """
    shapes = [_shape(item, api) for item in taken]
    for alike in range(ALIKE, 0, -1):
        kept = _first_of_each(taken, shapes, alike)
        if len(kept) <= most:
            break
    return [taken[index] for index in sorted(_with_sources(taken, kept, api))[:most]]


def _first_of_each(taken: Sequence[Taken], shapes: Sequence[str], alike: int) -> set[int]:
    seen: Counter[str] = Counter()
    exact: set[tuple[bytes, str]] = set()
    kept = set()
    for index, (item, shape) in enumerate(zip(taken, shapes, strict=True)):
        same = hashlib.sha256(item.request.raw("")).digest(), shape
        repeated = same in exact and item.answer.status != 200
        if seen[shape] < alike and not repeated:
            seen[shape] += 1
            exact.add(same)
            kept.add(index)
    return kept


def _with_sources(taken: Sequence[Taken], kept: set[int], api: Api) -> set[int]:
    """The kept requests, and the requests that handed out the ids in them, and in those."""
    source: dict[str, int] = {}
    sources: list[set[int]] = []
    for index, item in enumerate(taken):
        words = re.findall(api.profile.ids.pattern, item.request.target)
        sources.append({source[word] for word in words if word in source})
        handed_out = new_id(api, item.request, item.answer)
        if handed_out is not None:
            source[handed_out] = index
    needed = set(kept)
    for index in reversed(range(len(taken))):
        if index in needed:
            needed |= sources[index]
    return needed


def _shape(item: Taken, api: Api) -> str:
    request, answer = item.request, item.answer
    match = api.spec.match(request.method, request.path)
    parts = [
        match.name,
        sorted((key, _kind_of_text(value)) for key, value in match.path.items()),
        sorted(_kind_of_text(part) for part in request.query.split("&") if part),
        (request.header("content-type") or "").lower(),
        request.header("authorization") or "",
        sorted(name.lower() for name, _ in request.headers),
        _body_shape(request, api.profile.nested),
        answer.status,
        _NUMBER.sub("9", answer.text)[:400],
    ]
    return json.dumps(parts)


def _body_shape(request: Request, nested: str | None) -> str:
    try:
        document = json.loads(request.body)
    except (ValueError, RecursionError):
        return f"no JSON {len(request.body) > 0}"
    if not isinstance(document, dict):
        return type(document).__name__
    deep = document.get(nested) if nested is not None else None
    inner = (
        sorted((key, _kind(value)) for key, value in deep.items())
        if isinstance(deep, dict)
        else _kind(deep)
    )
    outer = sorted((key, _kind(value)) for key, value in document.items() if key != nested)
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
    """The text with runs of letters as a, of digits as 9, other characters as they are; cut."""
    shape = re.sub(r"[^\W\d_]+", "a", _NUMBER.sub("9", text))
    return shape[:24] if shape.isascii() else f"beyond ASCII {len(shape) > 8}"
