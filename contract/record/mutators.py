"""Mutators: requests that are nearly the same as a valid one, in valid state.

Each mutator yields variants of one request; the recorder applies all of them to a valid request of
every operation. Those that depend on the API take its date parameters and the size that it refuses.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from contract.http.messages import RECORDED_KEY, Request

Named = tuple[str, Request]

_JSON_LENGTH: Final = "Content-Length"
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')  # a string within JSON text


def keys(request: Request) -> Iterator[Named]:
    """No key, wrong keys, and other spellings of the right one."""
    yield "no-key", request.with_header("Authorization", None)
    for name, value in {
        "empty-key": "",
        "bare-key": RECORDED_KEY,
        "wrong-key": "Bearer not-the-key",
        "key-and-more": f"Bearer {RECORDED_KEY}x",
        "key-and-less": f"Bearer {RECORDED_KEY[:-1]}",
        "lower-case-scheme": f"bearer {RECORDED_KEY}",
        "two-spaces": f"Bearer  {RECORDED_KEY}",
        "basic-scheme": f"Basic {RECORDED_KEY}",
        "scheme-alone": "Bearer",
        "upper-case-key": f"Bearer {RECORDED_KEY.upper()}",
    }.items():
        yield name, request.with_header("Authorization", value)


def paths(request: Request) -> Iterator[Named]:
    """Other slashes, letter case, encodings and tails of the path."""
    path, query = request.path, request.query
    tail = f"?{query}" if query else ""
    for name, changed in {
        "last-slash": f"{path}/",
        "two-last-slashes": f"{path}//",
        "double-slash": path.replace("/", "//", 1),
        "inner-double-slash": "//".join(path.rsplit("/", 1)),
        "upper-case": path.upper(),
        "extra-segment": f"{path}/more",
        "encoded-letter": path.replace("a", "%61", 1),
        "space-at-the-end": f"{path}%20",
        "dot-segment": f"{path}/.",
    }.items():
        if changed != path:
            moved = replace(request, target=changed + tail)
            yield name, moved
            yield f"{name}-no-key", moved.with_header("Authorization", None)


def queries(request: Request, dates: Sequence[str]) -> Iterator[Named]:
    """Query parameters that are unknown, given twice, empty, no dates, badly encoded."""
    found = {"unknown-parameter": "surprise=1", "empty-query": ""}
    if dates:
        first, last = dates[0], dates[-1]
        found |= {
            "start-twice": f"{first}=2001-01-01&{first}=2002-01-01",
            "start-empty": f"{first}=",
            "start-number": f"{first}=20010101",
            "start-time": f"{first}=2001-01-01T00:00:00Z",
            "start-offset": f"{first}=2001-01-01T00:00:00%2B02:00",
            "start-spaces": f"{first}=%202001-01-01",
            "end-before-start": f"{first}=2990-01-01&{last}=2001-01-01",
            "end-no-such-day": f"{last}=2001-02-30",
            "case-of-name": f"{first.upper()}=garbage",
            "bad-encoding": f"{first}=%zz",
            "list-form": f"{first}[]=2001-01-01",
        }
    for name, query in found.items():
        yield name, replace(request, target=f"{request.path}?{query}")


def methods(request: Request) -> Iterator[Named]:
    """Every other method on the same path."""
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        if method != request.method:
            yield f"method-{method}", replace(request, method=method)


def content_types(request: Request) -> Iterator[Named]:
    """Other content types, charsets and encodings of the same body."""
    if not request.body:
        return
    for name, value in {
        "no-content-type": None,
        "text-plain": "text/plain",
        "form": "application/x-www-form-urlencoded",
        "charset": "application/json; charset=utf-8",
        "charset-upper-case": "application/json; charset=UTF-8",
        "charset-latin-1": "application/json; charset=iso-8859-1",
        "charset-unknown": "application/json; charset=klingon",
        "upper-case-type": "Application/JSON",
        "vendor-type": "application/vnd.api+json",
    }.items():
        yield name, request.with_header("Content-Type", value)
    text = request.body.decode()
    utf_16 = request.with_header("Content-Type", "application/json; charset=utf-16")
    yield "utf-16", utf_16.with_body(text.encode("utf-16"))
    packed = gzip.compress(request.body, mtime=0)
    yield "gzip", request.with_body(packed).with_header("Content-Encoding", "gzip")
    yield "encoding-unknown", request.with_header("Content-Encoding", "snappy")
    yield "byte-order-mark", request.with_body(b"\xef\xbb\xbf" + request.body)
    half = len(request.body) // 2
    chunks = b"".join(
        b"%x\r\n%s\r\n" % (len(piece), piece)
        for piece in (request.body[:half], request.body[half:])
    )
    chunked = replace(request, body=chunks + b"0\r\n\r\n").with_header(_JSON_LENGTH, None)
    yield "chunked", chunked.with_header("Transfer-Encoding", "chunked")


def layouts(request: Request) -> Iterator[Named]:
    """The same JSON in other layouts, and texts that are no valid JSON."""
    if not request.body:
        return
    document: dict[str, Any] = json.loads(request.body)
    for name, text in {
        "white-space": json.dumps(document, indent=3),
        "reversed-keys": json.dumps(dict(reversed(document.items()))),
        "escapes": _STRING.sub(_escaped, json.dumps(document)),
        "space-around": f" \t\r\n{json.dumps(document)}\n",
        "cut-short": json.dumps(document)[:-1],
        "tail": json.dumps(document) + "x",
        "trailing-comma": json.dumps(document)[:-1] + ",}",
        "single-quotes": json.dumps(document).replace('"', "'"),
        "not-a-number": json.dumps(document)[:-1] + ', "x": NaN}',
        "list": json.dumps([document]),
        "text": json.dumps("text"),
        "number": "7",
        "null": "null",
        "true": "true",
        "empty-object": "{}",
        "empty-list": "[]",
    }.items():
        yield name, request.with_body(text.encode())
    yield "empty-body", request.with_body(b"")
    yield "not-utf-8", request.with_body(b'{"id": "\xff\xfe"}')
    deep = b"[" * 20_000 + b"]" * 20_000
    yield "deep", request.with_body(deep)


def fields(request: Request) -> Iterator[Named]:
    """Each field missing, given twice, of another type or letter case; and one field more."""
    if not request.body:
        return
    document: dict[str, Any] = json.loads(request.body)
    yield "extra-field", _json(request, {**document, "surprise": 1})
    yield "proto-field", _json(request, {**document, "__proto__": {"x": 1}})
    for key, value in document.items():
        rest = {k: v for k, v in document.items() if k != key}
        yield f"without-{key}", _json(request, rest)
        yield f"upper-case-{key}", _json(request, {**rest, key.upper(): value})
        twice = json.dumps(document)[:-1] + f", {json.dumps(key)}: {json.dumps(value)}}}"
        yield f"twice-{key}", request.with_body(twice.encode())
        for name, other in _others(value):
            yield f"{key}-{name}", _json(request, {**document, key: other})
        if _is_whole(value):
            for name, lexeme in {
                "point-zero": f"{value}.0",
                "exponent": f"{value}e0",
                "minus-zero": "-0",
                "infinite": "1e999",
                "precise": "1.0000000000000001",
            }.items():
                text = json.dumps({**document, key: "@"}).replace('"@"', lexeme)
                yield f"{key}-{name}", request.with_body(text.encode())


def unasked_bodies(request: Request) -> Iterator[Named]:
    """Bodies for operations that take none."""
    if request.body or request.method not in ("GET", "POST", "DELETE"):
        return
    typed = request.with_header("Content-Type", "application/json")
    yield "malformed", typed.with_body(b"{")
    yield "text", typed.with_body(b'"text"')
    yield "object", typed.with_body(b'{"id": 1}')
    latin = request.with_header("Content-Type", "application/json; charset=iso-8859-1")
    yield "charset", latin.with_body(b"{}")


def sizes(request: Request, large_body: int) -> Iterator[Named]:
    """Bodies of `large_body` bytes and one less, heads that are too large and just not.

    A body of one byte less is accepted, whatever its characters take in UTF-8, packed or not.
    """
    filler = b'{"x":"' + b"x" * (large_body - 8) + b'"}'
    typed = request.with_header("Content-Type", "application/json")
    yield "large-body", typed.with_body(filler)
    yield "large-head", request.with_header("X-Filler", "x" * 17_000)
    yield "quite-large-head", request.with_header("X-Filler", "x" * 8_000)
    yield "nearly-large-head", request.with_header("X-Filler", "x" * 15_500)
    if not request.body:
        return
    document = json.loads(request.body)
    for name, character in {"1": "x", "2": "\u00e9", "3": "\u4e2d", "4": "\U0001f3a7"}.items():
        for more, size in (("largest", large_body - 1), ("too-large", large_body)):
            yield f"{more}-of-{name}-bytes", typed.with_body(_filled(document, character, size))
    whole = _filled(document, "x", large_body - 1)
    packed = typed.with_body(gzip.compress(whole, mtime=0)).with_header("Content-Encoding", "gzip")
    yield "largest-packed", packed
    above = gzip.compress(_filled(document, "x", large_body), mtime=0)
    yield "too-large-packed", typed.with_body(above).with_header("Content-Encoding", "gzip")
    for depth in (20, 198, 199, 200, 201, 254, 255, 256, 400):
        nested = json.dumps(document)[:-1] + ', "deep": ' + "[" * depth + "]" * depth + "}"
        yield f"levels-{depth}", typed.with_body(nested.encode())


def _filled(document: Mapping[str, Any], character: str, size: int) -> bytes:
    """The document with a field more, of exactly `size` bytes."""
    head = (json.dumps(document)[:-1] + ', "filler": "').encode()
    room = size - len(head) - 2
    unit = character.encode()
    return head + unit * (room // len(unit)) + b"x" * (room % len(unit)) + b'"}'


def variants(request: Request, dates: Sequence[str], large_body: int) -> Iterator[Named]:
    """All variants of a valid request, named `mutator/variant`.

    `dates` are the date parameters of the API, `large_body` a number of bytes that it refuses.
    """
    for mutator, changes in (
        ("keys", keys(request)),
        ("paths", paths(request)),
        ("queries", queries(request, dates)),
        ("methods", methods(request)),
        ("content_types", content_types(request)),
        ("layouts", layouts(request)),
        ("fields", fields(request)),
        ("unasked_bodies", unasked_bodies(request)),
        ("sizes", sizes(request, large_body)),
    ):
        for name, changed in changes:
            if changed != request:  # null in place of null, for instance
                yield f"{mutator}/{name}", changed


def _json(request: Request, document: Any) -> Request:
    return request.with_body(json.dumps(document, ensure_ascii=True).encode())


def _escaped(string: re.Match[str]) -> str:
    """A JSON string with an escape for each letter a, but for those within escapes."""
    return re.sub(r"\\u.{4}|a", lambda hit: "\\u0061" if hit[0] == "a" else hit[0], string[0])


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _others(value: Any) -> Iterator[tuple[str, Any]]:
    yield "null", None
    yield "true", True
    yield "list", [value]
    yield "object", {"value": value}
    if _is_whole(value):
        yield "as-text", str(value)
        yield "one-less", value - 1
        yield "zero", 0
        yield "negative", -value
        yield "fraction", value + 0.5
        yield "beyond-32-bits", 2**31
        yield "beyond-53-bits", 2**53
    elif isinstance(value, str):
        yield "number", 1
        yield "empty", ""
        yield "spaces", f"  {value}  "
        yield "upper-case", value.upper()
        yield "long", "x" * 256
        yield "nul", "a\0b"
        yield "half-surrogate", "\ud800"
        yield "beyond-ascii", "Zoë 中文 🎧"
    elif isinstance(value, dict):
        yield "text", "x"
        yield "number", 1
        yield "empty", {}
