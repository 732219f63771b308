"""Requests and answers in the words of the ledger."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from contract.api.api import Api
from contract.api.facts import RequestFacts, answer_facts
from contract.api.request_facts import request_facts
from contract.http.messages import RECORDED_KEY, Answer, Request
from contract.tests.another_api.lockers import PROFILE
from contract.tests.samples import HTML, JSON, request

API = Api.load(PROFILE)
CHUNKED = (*JSON, ("Transfer-Encoding", "chunked"))


def facts(sent: Request) -> RequestFacts:
    """The facts of a request to the lockers."""
    return request_facts(sent, API)


def posted(body: bytes, *headers: tuple[str, str]) -> RequestFacts:
    """The facts of a parcel with exactly these bytes and headers."""
    return facts(Request("POST", "/parcels", headers or JSON, body))


def test_a_request_is_described_by_its_operation() -> None:
    """The facts hold the operation, its parameters, and what the document says of it."""
    found = facts(request("GET", "/parcels/abc?since=2026-01-01&since=x&empty="))
    assert (found.operation, found.known) == ("GET /parcels/{code}", True)
    assert (found.path, found.method) == ({"code": "abc"}, "GET")
    assert found.query == {"since": ["2026-01-01", "x"], "empty": [""]}
    assert found.allow == ["DELETE", "GET", "HEAD"]
    assert not found.takes_body
    assert posted(b"{}").takes_body


@pytest.mark.parametrize(
    ("header", "key"),
    [
        (None, "none"),
        (f"Bearer {RECORDED_KEY}", "right"),
        (RECORDED_KEY, "right"),
        (f"{RECORDED_KEY}Bearer ", "wrong"),  # the blank behind a value is no part of it
        (f" Bearer {RECORDED_KEY} ", "right"),
        (f"Bearer Bearer {RECORDED_KEY}", "wrong"),
        (f"bearer {RECORDED_KEY}", "wrong"),
        (f"Bearer  {RECORDED_KEY}", "wrong"),
        ("Bearer ", "wrong"),
        ("", "wrong"),
    ],
)
def test_a_key_is_read_as_both_services_read_it(header: str | None, key: str) -> None:
    """The services remove the text "Bearer " once, wherever it stands, and compare the rest."""
    sent = request("GET", "/parcels/x", keyed=False).with_header("Authorization", header)
    assert facts(sent).key == key


@pytest.mark.parametrize(
    ("path", "guarded"),
    [("/parcels/x", True), ("/p%61rcels/x", True), ("/up", False), ("/parcelsx", False)],
)
def test_guarded_paths_are_recognised_after_decoding(path: str, *, guarded: bool) -> None:
    """Percent-encoding of a letter does not take a path out of the guard."""
    assert facts(request("GET", path)).guarded is guarded


@pytest.mark.parametrize(
    ("body", "headers", "value"),
    [
        (b'{"a":1}', JSON, {"a": 1}),
        (b'{"a":1,"a":2}', JSON, {"a": 2}),
        (b"\xef\xbb\xbf[1]", JSON, [1]),
        (b"null", JSON, None),
        (b'4\r\n{"a"\r\n3\r\n:1}\r\n0\r\n\r\n', CHUNKED, {"a": 1}),
        (gzip.compress(b"[2]", mtime=0), (*JSON, ("Content-Encoding", "gzip")), [2]),
        ("[3]".encode("utf-16"), (("Content-Type", "application/json; charset=utf-16"),), [3]),
        ('["é"]'.encode("latin-1"), (("content-type", 'a/b; Charset="latin-1"'),), ["é"]),
    ],
)
def test_a_body_is_read_without_framing_and_encoding(
    body: bytes, headers: tuple[tuple[str, str], ...], value: Any
) -> None:
    """Chunks, gzip, a charset and a byte order mark are removed; of a key given twice the last counts."""
    found = posted(body, *headers)
    assert (found.json, found.body) == (True, value)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"", JSON),
        (b"{", JSON),
        (b"[NaN]", JSON),
        (b"\xff", JSON),
        (b"[" * 200_000, JSON),
        (b"[1]", (*JSON, ("Content-Encoding", "gzip"))),
        (gzip.compress(b"[1]", mtime=0)[:-9], (*JSON, ("Content-Encoding", "gzip"))),
        (b"[1]", (("Content-Type", "application/json; charset=klingon"),)),
    ],
)
def test_an_unreadable_body_is_no_json(body: bytes, headers: tuple[tuple[str, str], ...]) -> None:
    """Broken JSON, compression, charsets and bottomless nesting are facts, not errors of the gate."""
    found = posted(body, *headers)
    assert (found.json, found.body) == (False, None)


def test_only_json_by_its_content_type_reaches_the_services() -> None:
    """Both services ignore a body of another content type; parameters and case do not matter."""
    assert posted(b"[1]", ("Content-Type", "Application/JSON ; x=y")).json_body == [1]
    other = posted(b"[1]", ("Content-Type", "text/plain"))
    assert (other.body, other.json_body) == ([1], None)
    assert (other.content_type, other.content_type_line) == ("text/plain", "text/plain")


@pytest.mark.parametrize(
    ("body", "unholdable"),
    [
        (b'{"a":[1e999]}', True),
        (b'{"a":"\\ud800"}', True),
        (b'{"\\udfff":1}', True),
        (b'{"a":"\\ud83d\\ude00","b":[1e300,null,true]}', False),
    ],
)
def test_values_that_no_database_holds_are_marked(body: bytes, *, unholdable: bool) -> None:
    """Infinity and half a surrogate pair, at any depth and in keys, cannot be stored."""
    assert posted(body).unholdable is unholdable


def test_sizes_count_bytes() -> None:
    """`size` has the bytes of the body, `head` those of the request line and the headers."""
    found = posted('"é"'.encode(), ("X", "y"))
    head = "POST /parcels HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nX: y\r\n\r\n"
    assert (found.size, found.head) == (4, len(head))


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ("2026-01-31", False),
        ("2026-01-31T10:20Z", False),
        ("2026-01-31t10:20:30.123%2B02:00", False),
        ("2026-02-30", True),
        ("20260131", True),
        ("2026-W05", True),
        ("2026-01-31 10:20", True),
        ("", True),
        ("%D9%A2%D9%A0%D9%A2%D9%A6-01-31", True),
    ],
)
def test_dates_are_those_of_the_document(text: str, *, bad: bool) -> None:
    """Only ISO dates of ASCII digits that exist are dates; Python reads more forms than that."""
    found = facts(request("GET", f"/parcels/x?since={text}"))
    assert (found.bad_date, found.date_twice) == ("since" if bad else None, None)


def test_a_date_given_twice_is_named() -> None:
    """A repeated date parameter is a fact of its own; only its first value is read."""
    found = facts(request("GET", "/parcels/x?since=2026-01-01&since=never&other=1&other=2"))
    assert (found.bad_date, found.date_twice) == (None, "since")


def test_answers_are_described_by_status_kind_and_headers() -> None:
    """Header names are in lower case; only a JSON body has a value, with Python's numbers."""
    found = answer_facts(Answer(200, (("ETag", "x"), *JSON), b'{"n":1.0}'))
    assert found == {
        "status": 200,
        "kind": "json",
        "text": '{"n":1.0}',
        "body": {"n": 1.0},
        "headers": {"etag": "x", "content-type": "application/json"},
    }
    page = answer_facts(Answer(404, HTML, b"<p>"))
    assert (page["kind"], page["text"], page["body"]) == ("html", "<p>", None)
    assert json.dumps(found["body"]) == '{"n": 1.0}'
