"""Variants of one valid request, made of the lists: credentials, headers, media types, texts and so on.

The mutators change a request by a rule; these put in what stands in a list, each entry in each place.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from contract.http.messages import Request
from contract.record.lists import read, texts

Named = tuple[str, Request]
_SAFE: Final = "%$()*+,;=:@!'-._~"  # characters that stand in a path as they are
_JSON: Final = "Content-Type"


def credentials(request: Request) -> Iterator[Named]:
    """Forms of the key in Authorization, and the right key elsewhere."""
    given = read("credentials")
    for item in given["authorization"]:
        values = item["value"] if isinstance(item["value"], list) else [item["value"]]
        without = request.with_header("Authorization", None)
        more = tuple(("Authorization", value) for value in values)
        yield item["name"], replace(without, headers=(*without.headers, *more))
    bare = request.with_header("Authorization", None)
    for name, value in given["elsewhere"]["headers"].items():
        yield f"header-{name}", bare.with_header(name, value)
        wrong = request.with_header("Authorization", "Bearer none")
        yield f"wrong-and-header-{name}", wrong.with_header(name, value)
    for query in given["elsewhere"]["queries"]:
        tail = f"&{query}" if request.query else f"?{query}"
        yield f"query-{query.partition('<<')[0]}", replace(bare, target=request.target + tail)


def headers(request: Request) -> Iterator[Named]:
    """Headers that must change nothing."""
    for item in read("headers"):
        changed = request
        for name, value in item["headers"]:
            changed = changed.with_header(name, value)
        yield item["name"], changed


def media(request: Request) -> Iterator[Named]:
    """Media types, charsets and codings of the same body."""
    if not request.body:
        return
    given = read("media")
    for number, text in enumerate(given["content-types"]):
        yield f"type-{number}", request.with_header(_JSON, text)
    for number, pair in enumerate(given["two-content-types"]):
        bare = request.with_header(_JSON, None)
        two = tuple((_JSON, value) for value in pair)
        yield f"types-{number}", replace(bare, headers=(*bare.headers, *two))
    for item in given["codings"]:
        packed = request.with_body(_packed(request.body, item["packed"]))
        yield f"coding-{item['name']}", packed.with_header("Content-Encoding", item["says"])


def body_texts(request: Request) -> Iterator[Named]:
    """Each text of texts.yaml in each text field of the body."""
    for key, value in _document(request).items():
        if isinstance(value, str):
            for name, text in texts().items():
                yield f"{key}-{name}", _with(request, key, json.dumps(text, ensure_ascii=False))


def body_numbers(request: Request) -> Iterator[Named]:
    """Each spelling of numbers.yaml in each number of the body."""
    for key, value in _document(request).items():
        if isinstance(value, int) and not isinstance(value, bool):
            for number, form in enumerate(read("numbers")["json"]):
                yield (
                    f"{key}-{number}",
                    _with(
                        request,
                        key,
                        form.replace("{n}", str(value)).replace("{{", "{").replace("}}", "}"),
                    ),
                )


def doubled(request: Request) -> Iterator[Named]:
    """A key twice with different values, the right one first and last; also within a field."""
    document = _document(request)
    text = json.dumps(document)
    for key, value in document.items():
        for name, other in (("null", "null"), ("other", _other(value)), ("absent", None)):
            if other is None:
                continue
            pair = f"{json.dumps(key)}: {other}"
            yield f"{key}-then-{name}", request.with_body(f"{text[:-1]}, {pair}}}".encode())
            yield f"{name}-then-{key}", request.with_body(f"{{{pair}, {text[1:]}".encode())
        if isinstance(value, dict) and value:
            inner = json.dumps(value)
            first = next(iter(value))
            twice = f"{inner[:-1]}, {json.dumps(first)}: {_other(value[first])}}}"
            yield f"{key}-within", _with(request, key, twice)


def path_texts(
    request: Request, names: Sequence[str], values: Mapping[str, str]
) -> Iterator[Named]:
    """Texts, or spellings of the number, in place of each value of the path."""
    for name in names:
        value = values[name]
        if value.isdecimal():
            forms = {
                str(number): form.replace("{n}", value).replace("{{", "{").replace("}}", "}")
                for number, form in enumerate(read("numbers")["path"])
            }
        else:
            forms = {key: quote(text, safe="") for key, text in texts().items()}
            forms |= {
                "upper-case": value.upper(),
                "lower-case": value.lower(),
                "cut-short": value[:-1],
                "and-more": f"{value}x",
                "blank-behind": f"{value}%20",
                "blank-first": f"%20{value}",
                "encoded-first": f"%{ord(value[0]):02x}{value[1:]}",
                "first-half": value[: len(value) // 2],
                "other-first": ("A" if value[0] != "A" else "B") + value[1:],
                "other-last": value[:-1] + ("A" if value[-1] != "A" else "B"),
            }
        for key, form in forms.items():
            target = request.target.replace(value, quote(form, safe=_SAFE + "/"), 1)
            yield f"{name}-{key}", replace(request, target=target)


def dates(request: Request, names: Sequence[str]) -> Iterator[Named]:
    """Each date of dates.yaml for each date parameter, alone; some beside the other parameter."""
    for name in names:
        for number, value in enumerate(read("dates")):
            shown = value if "<<" in value else value.replace(" ", "%20")
            yield f"{name}-{number}", replace(request, target=f"{request.path}?{name}={shown}")
    if len(names) > 1:
        first, last = names[0], names[-1]
        for number, (start, end) in enumerate(
            (
                ("<<day(0)>>", "<<day(0)>>"),
                ("<<day(-1)>>", "<<day(-1)>>"),
                ("<<day(-1)>>", "<<day(0)>>"),
                ("<<day(1)>>", "<<day(-1)>>"),
                ("<<moment(minutes=-5)>>", "<<moment(minutes=240)>>"),
                ("<<moment(minutes=240)>>", "<<moment(minutes=-5)>>"),
                ("garbage", "<<day(0)>>"),
                ("<<day(0)>>", "garbage"),
                ("garbage", "rubbish"),
            )
        ):
            query = f"{first}={start}&{last}={end}"
            yield f"both-{number}", replace(request, target=f"{request.path}?{query}")
            turned = f"{last}={end}&{first}={start}"
            yield f"both-turned-{number}", replace(request, target=f"{request.path}?{turned}")
        for number, query in enumerate(
            (
                f"{first}=<<day(0)>>&{first}=<<day(0)>>",
                f"{first}=&{first}=<<day(0)>>",
                f"{first}=<<day(0)>>&{first}=",
                f"{first}%5B%5D=<<day(1)>>",
                f"{first}%5B0%5D=<<day(1)>>",
                f"{first.lower()}=<<day(1)>>",
                f"{_snake(first)}=<<day(1)>>",
                f"%73{first[1:]}=<<day(1)>>",
                f"{first};{last}=<<day(-1)>>",
                f"{first}=<<day(0)>>;{last}=<<day(-1)>>",
                "from=<<day(1)>>&to=<<day(1)>>&since=<<day(1)>>",
            )
        ):
            yield f"spelling-{number}", replace(request, target=f"{request.path}?{query}")


def probes(
    request: Request,
    names: Sequence[str],
    values: Mapping[str, str],
    date_names: Sequence[str],
    *,
    whole: bool,
) -> Iterator[Named]:
    """All variants of the lists, named `list/entry`; `whole` has credentials and headers, too.

    `names` are the parameters of the path with their `values`, `date_names` its date parameters.
    """
    lists: list[tuple[str, Iterator[Named]]] = [
        ("media", media(request)),
        ("texts", body_texts(request)),
        ("numbers", body_numbers(request)),
        ("doubled", doubled(request)),
        ("path-texts", path_texts(request, names, values)),
        ("dates", dates(request, date_names)),
    ]
    if whole:
        lists += [("credentials", credentials(request)), ("headers", headers(request))]
    for name, changes in lists:
        for entry, changed in changes:
            if changed != request:
                yield f"{name}/{entry}", changed


def _document(request: Request) -> dict[str, Any]:
    return json.loads(request.body) if request.body else {}


def _with(request: Request, key: str, lexeme: str) -> Request:
    """The request with a field of its body as this JSON text."""
    document = _document(request)
    parts = [
        f"{json.dumps(name)}: {lexeme if name == key else json.dumps(value, ensure_ascii=False)}"
        for name, value in document.items()
    ]
    return request.with_body(f"{{{', '.join(parts)}}}".encode("utf-8", "surrogatepass"))


def _other(value: Any) -> str:
    """The JSON text of another valid value."""
    if isinstance(value, bool):
        return json.dumps(not value)
    if isinstance(value, int):
        return str(value + 1)
    if isinstance(value, str):
        return json.dumps(f"{value} too")
    return "{}" if isinstance(value, dict) else "0"


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def _packed(body: bytes, how: str) -> bytes:
    raw = zlib.compressobj(wbits=-15)
    packed = gzip.compress(body, mtime=0)
    half = len(body) // 2
    ways = {
        "none": body,
        "gzip": packed,
        "gzip-twice": gzip.compress(packed, mtime=0),
        "gzip-members": gzip.compress(body[:half], mtime=0) + gzip.compress(body[half:], mtime=0),
        "gzip-cut": packed[:-4],
        "gzip-more": packed + b"more",
        "deflate": zlib.compress(body),
        "deflate-raw": raw.compress(body) + raw.flush(),
    }
    return ways[how]
