"""Parses request bodies into JSON objects, strictly."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

import orjson
from falcon import HTTPBadRequest, HTTPContentTooLarge, HTTPUnsupportedMediaType
from falcon.asgi import Request

from agent_runtime.api.http.zod_issues import InvalidBody, custom, wrong_type

# Bytes of a body, both compressed and decompressed; the limit of the Node.js version.
MAX_BODY: Final = 100 * 1024
# Levels of nesting. orjson writes at most 254, and a configuration that was read must be written again.
MAX_DEPTH: Final = 200
# Members of a gzip body. Each costs some microseconds, and an empty one takes 20 bytes.
MAX_MEMBERS: Final = 100

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
# RFC 9110, section 8.3.1, with blanks where the Node.js version's parser allows them: no tabs.
_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER: Final = re.compile(
    rf"""; *({_WORD}) *= *(?:"((?:[ !#-\[\]-~\x80-\xff]|\\[ -~])*)"|({_WORD})) *"""
)
_MEDIA_TYPE: Final = re.compile(rf" *{_WORD}/{_WORD} *(?:{_PARAMETER.pattern})*")
_WINDOW: Final = {b"gzip": 16 + zlib.MAX_WBITS, b"deflate": zlib.MAX_WBITS}


async def json_object(req: Request) -> dict[str, Any]:
    """The JSON object in the request's body; empty when there is no JSON body.

    As in the Node.js version, a body of another content type counts as none. Raises HTTPBadRequest,
    HTTPContentTooLarge, HTTPUnsupportedMediaType, or InvalidBody for an array or a NUL character.
    """
    if not _is_json(req):
        return {}
    raw = _decompressed(await req.stream.read(), req).removeprefix(_BYTE_ORDER_MARK)
    if not raw:
        return {}
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise HTTPBadRequest(description=f"The body is not JSON: {error}") from error
    if isinstance(body, list):
        raise InvalidBody([wrong_type("object", body)])
    if not isinstance(body, dict):
        raise HTTPBadRequest(description="The body must be a JSON object")
    _check_contents(raw, body)
    _refuse_duplicates(raw, body)
    return body


def _is_json(req: Request) -> bool:
    """Whether the content type is JSON, in the grammar of the Node.js version's parser.

    As there, another spelling (`application/json;`) counts as another type. Raises
    HTTPUnsupportedMediaType for another charset than UTF-8; of two the last counts.
    """
    content_type = req.content_type or ""
    media_type = content_type.partition(";")[0]
    if _MEDIA_TYPE.fullmatch(content_type) is None:
        return False
    if media_type.strip(" ").lower() != "application/json":
        return False
    charsets = [
        (quoted or token).lower()
        for name, quoted, token in _PARAMETER.findall(content_type)
        if name.lower() == "charset"
    ]
    charset = charsets[-1] if charsets else ""
    if charset not in ("", "utf-8"):
        raise HTTPUnsupportedMediaType(description=f'unsupported charset "{charset.upper()}"')
    return True


def _decompressed(raw: bytes, req: Request) -> bytes:
    encoding = (req.get_header("Content-Encoding") or "identity").lower()
    if encoding != "identity":
        window = _WINDOW.get(encoding.encode("latin-1"))
        if window is None:
            raise HTTPUnsupportedMediaType(description=f'unsupported content encoding "{encoding}"')
        try:
            raw = _inflated(raw, window)
        except (zlib.error, EOFError) as error:
            raise HTTPBadRequest(description=f"The body is not {encoding}: {error}") from error
    if len(raw) > MAX_BODY:
        raise HTTPContentTooLarge(description=f"The body is larger than {MAX_BODY} bytes")
    return raw


def _inflated(raw: bytes, window: int) -> bytes:
    """The content of all members of `raw` (RFC 1952, section 2.2), or the first MAX_BODY + 1 bytes.

    Raises zlib.error for what is not compressed so, and EOFError for what was cut off or
    has too many members.
    """
    content = b""
    for _ in range(MAX_MEMBERS):
        # At most one byte more than allowed: a small body must not decompress to gigabytes.
        member = zlib.decompressobj(window)
        content += member.decompress(raw, MAX_BODY + 1 - len(content))
        if len(content) > MAX_BODY:
            return content
        if not member.eof:
            raise EOFError("the end is missing")
        raw = member.unused_data
        if not raw:
            return content
    raise EOFError(f"it has more than {MAX_MEMBERS} members")


def _refuse_duplicates(raw: bytes, body: dict[str, Any]) -> None:
    """Raise HTTPBadRequest when an object in `raw` has a key twice (RFC 8259, section 4).

    A gateway in front may read the first, and this API the last. Each key takes one colon, so a flat
    object with as many colons as keys has none twice; only other bodies are parsed again.
    """
    if raw.count(b":") == len(body):
        return

    def check(pairs: list[tuple[str, object]]) -> None:
        if len(dict(pairs)) < len(pairs):
            names = sorted(name for name, _ in pairs)
            twice = next(one for one, other in pairwise(names) if one == other)
            raise HTTPBadRequest(
                description=f'The body has the key "{twice[:40]}" twice in one object: send it once'
            )

    # Numbers are not needed, and are not read: a long one would take quadratic time.
    json.loads(raw, object_pairs_hook=check, parse_int=str, parse_float=str)


def _check_contents(raw: bytes, body: dict[str, Any]) -> None:
    # Counting bytes is cheap and shows that most bodies are harmless; only the others are traversed.
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH or rb"\u0000" in raw:
        issues = [
            custom("Invalid input: text must not hold a NUL character", *path)
            for path, text in _texts(body)
            if "\0" in text
        ]
        if issues:
            raise InvalidBody(issues)


def _texts(body: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every string in `body`, keys included, with its path, in order.

    Raises HTTPBadRequest when the nesting is too deep.
    """
    pending: list[tuple[tuple[str | int, ...], Any]] = [((), body)]
    while pending:
        path, value = pending.pop()
        if len(path) >= MAX_DEPTH:
            raise HTTPBadRequest(description=f"The body is nested deeper than {MAX_DEPTH} levels")
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, dict):
            yield from ((path, key) for key in value)
            pending += [((*path, key), item) for key, item in reversed(value.items())]
        elif isinstance(value, list):
            pending += [((*path, i), value[i]) for i in reversed(range(len(value)))]
