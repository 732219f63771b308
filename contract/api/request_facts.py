"""Reads the facts of a request, once for each step."""

from __future__ import annotations

import gzip
import re
import zlib
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs, unquote

from contract.api.api import Api
from contract.api.facts import RequestFacts
from contract.http.messages import RECORDED_KEY, Request
from contract.http.placeholders import with_key
from contract.values.documents import parse_json, plain

_DATE: Final = re.compile(
    r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII | re.IGNORECASE
)

_CHARSET: Final = re.compile(r";\s*charset\s*=\s*\"?([^\s\";]+)", re.IGNORECASE)


def request_facts(request: Request, api: Api) -> RequestFacts:
    """The facts of a request whose ids are symbols and whose times are filled in."""
    request = with_key(request)
    match = api.spec.match(request.method, request.path)
    body, valid, key_twice = _body(request)
    query = parse_qs(request.query, keep_blank_values=True)
    dates = api.spec.date_parameters
    return RequestFacts(
        operation=match.name,
        known=match.known,
        allow=list(match.allow),
        takes_body="requestBody" in api.spec.operations.get(match.name, {}),
        method=request.method,
        target=request.target,
        path=match.path,
        query=query,
        body=body,
        json=valid,
        key_twice=key_twice,
        content_type=(request.header("content-type") or "").partition(";")[0].strip().lower(),
        charset=_charset(request),
        coding=_coding(request),
        content_type_line=request.header("content-type") or "",
        guarded=api.profile.is_guarded(unquote(request.path)),
        key=_key(request.header("authorization")),
        size=len(request.body),
        head=len(request.raw("127.0.0.1:8080")) - len(request.body),
        bad_date=next((n for n in dates if n in query and not _is_date(query[n][0])), None),
        date_twice=next((n for n in dates if len(query.get(n, ())) > 1), None),
    )


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text.upper())
    except ValueError:
        return False
    return _DATE.fullmatch(text) is not None


def _body(request: Request) -> tuple[Any, bool, bool]:
    """The body, whether it is JSON, and whether it has a key twice in one object."""
    try:
        text = _text(request)
        body = plain(parse_json(text, keys_twice=True))
    except (ValueError, RecursionError, LookupError, EOFError, gzip.BadGzipFile, zlib.error):
        return None, False, False
    try:
        parse_json(text)
    except ValueError:
        return body, True, True
    return body, True, False


def _text(request: Request) -> str:
    """The body without its framing, compression and charset, whether or not these are allowed."""
    body = request.content
    coding = _coding(request)
    if coding == "gzip":
        body = gzip.decompress(body)
    elif coding == "deflate":
        body = zlib.decompress(body)
    text = body.decode(_charset(request))
    return text.removeprefix("\ufeff")


def _charset(request: Request) -> str:
    """The charset of the body: that of its content type, or UTF-8."""
    found = _CHARSET.findall(request.header("content-type") or "")
    return found[-1].lower() if found else "utf-8"


def _coding(request: Request) -> str:
    """The coding of the body: that of Content-Encoding, or none."""
    return (request.header("content-encoding") or "identity").strip().lower()


def _key(header: str | None) -> str:
    """The key as both services read it: they remove the text "Bearer " and compare the rest.

    Blanks around a value are no part of it (RFC 9110, section 5.5).
    """
    if header is None:
        return "none"
    return "right" if header.strip(" \t").replace("Bearer ", "", 1) == RECORDED_KEY else "wrong"
