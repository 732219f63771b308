"""A request and an answer as the ledger sees them: read once, in the words of the contract."""

from __future__ import annotations

import gzip
import math
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs, unquote

from contract.api.specification import Specification
from contract.corpus.frozen import RECORDED_KEY
from contract.http.messages import Answer, Request
from contract.values.documents import Kind, parse, parse_json, plain

DATES: Final = ("startDate", "endDate")
MAX_ID: Final = 2**31 - 1
_GUARDED: Final = re.compile(r"/api/(agents|sessions|metrics)(/|$)")
_DATE: Final = re.compile(
    r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """A request as the ledger sees it.

    `known` tells that the contract has the operation, `allow` the methods of its path. `key` is
    none, right or wrong; `body` the parsed JSON, None when there is none or it does not parse;
    `json` that it does. `guarded` tells that the path needs the key. `size` and `head` count bytes.
    `bad_date` names the first date parameter that is not what the contract says, `date_twice` the
    first that stands twice.
    """

    operation: str
    known: bool
    allow: list[str]
    takes_body: bool
    method: str
    target: str
    path: Mapping[str, str]
    query: Mapping[str, list[str]]
    body: Any
    json: bool
    content_type: str
    content_type_line: str
    guarded: bool
    key: str
    size: int
    head: int
    bad_date: str | None
    date_twice: str | None

    @property
    def unholdable(self) -> bool:
        """Whether the body holds what no JSON text or no database may: 1e999, half surrogates."""
        return _holds_too_much(self.json_body)

    @property
    def json_body(self) -> Any:
        """The body as both services see it: nothing when it is not of type JSON."""
        return self.body if self.content_type == "application/json" else None


def request_facts(request: Request, spec: Specification) -> RequestFacts:
    """A symbolic request as the ledger sees it."""
    match = spec.match(request.method, request.path)
    body, valid = _body(request)
    query = parse_qs(request.query, keep_blank_values=True)
    return RequestFacts(
        operation=match.name,
        known=match.known,
        allow=list(match.allow),
        takes_body="requestBody" in spec.operations.get(match.name, {}),
        method=request.method,
        target=request.target,
        path=match.path,
        query=query,
        body=body,
        json=valid,
        content_type=(request.header("content-type") or "").partition(";")[0].strip().lower(),
        content_type_line=request.header("content-type") or "",
        guarded=_GUARDED.match(unquote(request.path)) is not None,
        key=_key(request.header("authorization")),
        size=len(request.body),
        head=len(request.raw("127.0.0.1:8080")) - len(request.body),
        bad_date=next((n for n in DATES if n in query and not _is_date(query[n][0])), None),
        date_twice=next((n for n in DATES if len(query.get(n, ())) > 1), None),
    )


def answer_facts(answer: Answer) -> dict[str, Any]:
    """An answer as the ledger sees it."""
    document = parse(answer)
    return {
        "status": answer.status,
        "kind": str(document.kind),
        "text": document.text,
        "body": plain(document.value) if document.kind is Kind.JSON else None,
        "headers": {name.lower(): value for name, value in answer.headers},
    }


def number(text: str) -> int | None:
    """An id of the contract from a path (7.0 is 7), None for anything else."""
    found = re.fullmatch(r"([1-9][0-9]{0,9})(\.0+)?", text)
    return int(found[1]) if found and int(found[1]) <= MAX_ID else None


def _holds_too_much(value: Any) -> bool:
    if isinstance(value, str):
        return any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, float):
        return math.isinf(value)
    if isinstance(value, dict):
        return any(_holds_too_much(item) for pair in value.items() for item in pair)
    return isinstance(value, list) and any(map(_holds_too_much, value))


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text.upper())
    except ValueError:
        return False
    return _DATE.fullmatch(text) is not None


def _body(request: Request) -> tuple[Any, bool]:
    try:
        return plain(parse_json(_text(request), keys_twice=True)), True
    except (ValueError, RecursionError, LookupError, EOFError, zlib.error):
        return None, False


def _text(request: Request) -> str:
    """The body without its framing, compression and charset, whether or not these are allowed."""
    body = request.body
    if (request.header("transfer-encoding") or "").lower() == "chunked":
        body = b"".join(re.split(rb"(?:\A|\r\n)[0-9a-fA-F]+\r\n", body))
        body = body.removesuffix(b"\r\n")
    if (request.header("content-encoding") or "").lower() == "gzip":
        body = gzip.decompress(body)
    charset = re.search(r"charset=\"?([\w-]+)", request.header("content-type") or "", re.IGNORECASE)
    text = body.decode(charset[1] if charset else "utf-8")
    return text.removeprefix("\ufeff")


def _key(header: str | None) -> str:
    """As both services read it: the text "Bearer " is removed, what is left is compared."""
    if header is None:
        return "none"
    return "right" if header.replace("Bearer ", "", 1) == RECORDED_KEY else "wrong"
