"""HAR entries, which must give back the exact bytes of a request."""

from __future__ import annotations

import json

import pytest

from contract.corpus.har import answer_of, entry_of, log, request_of
from contract.http.messages import Answer, Request

OK = Answer(200, (("content-type", "application/json"), ("ETag", "x")), b'{"a":1}')


def there_and_back(request: Request) -> Request:
    """A request after it was written as JSON text and read again."""
    return request_of(json.loads(json.dumps(entry_of(request, OK), ensure_ascii=False)))


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "/", ()),
        Request("GET", "/a//b/%zz?x=1&x=2#f", (("X-One", "1"), ("x-one", "2"))),
        Request(
            "POST", "/a", (("Content-Type", "application/json"),), '{"name":"Zoë 🎧"}'.encode()
        ),
        Request("POST", "/a", (("Content-Encoding", "gzip"),), b"\x1f\x8b\x00\xff"),
        Request("POST", "/a", (("Transfer-Encoding", "chunked"),), b"1\r\na\r\n0\r\n\r\n"),
        Request("POST", "/a", (), "a\0b\x7f\u2028".encode()),
        Request("DELETE", "/http://recorded/x", (("X-Latin", "é\xff"), ("X-Empty", ""))),
        Request("POST", "/a", (), b"\xef\xbb\xbf{}"),
    ],
    ids=["plain", "target", "utf-8", "bytes", "chunked", "controls", "headers", "mark"],
)
def test_requests_come_back_as_they_were(request_: Request) -> None:
    """Method, target, headers in their order and spelling, and body survive the file, byte by byte."""
    assert there_and_back(request_) == request_


def test_the_host_of_the_recording_is_not_kept() -> None:
    """A Host header names the recording machine and is set anew at replay, so no file has it."""
    request = Request("GET", "/", (("Host", "machine:8080"), ("hOST", "b"), ("X-A", "1")))
    assert there_and_back(request).headers == (("X-A", "1"),)
    assert "machine" not in json.dumps(entry_of(request, OK))


def test_an_answer_keeps_status_type_and_body() -> None:
    """The recorded answer is what new ids are found by: status, content type and body, no more."""
    found = answer_of(json.loads(json.dumps(entry_of(Request("GET", "/", ()), OK))))
    assert found == Answer(200, (("Content-Type", "application/json"),), b'{"a":1}')


def test_an_answer_without_a_type_has_none_afterwards() -> None:
    """An empty answer gets no content type from the file."""
    found = answer_of(entry_of(Request("GET", "/", ()), Answer(204, (), b"")))
    assert found == Answer(204, (), b"")


def test_an_answer_that_is_no_utf_8_survives() -> None:
    """Bytes of an answer that are no UTF-8 come back as they were."""
    image = Answer(200, (("Content-Type", "image/png"),), b"\x89PNG\xff")
    assert answer_of(entry_of(Request("GET", "/", ()), image)) == image


def test_a_page_of_html_is_left_out() -> None:
    """A stack trace with the recording machine's paths never gets into the file."""
    page = Answer(500, (("Content-Type", "text/html; charset=utf-8"),), b"at /home/me/app.js:1")
    entry = entry_of(Request("GET", "/", ()), page)
    assert "/home/me" not in json.dumps(entry)
    assert "not kept" in entry["response"]["content"]["comment"]
    assert answer_of(entry).status == 500


def test_nothing_depends_on_the_moment_of_the_recording() -> None:
    """The same exchange gives the same entry at any time: times of the clock are not written."""
    timed = Answer(200, OK.headers, OK.body, sent=1e9, received=1e9 + 1)
    assert entry_of(Request("GET", "/", ()), timed) == entry_of(Request("GET", "/", ()), OK)


def test_a_log_is_har_1_2() -> None:
    """Other tools can open the file: version, creator and the required fields of HAR 1.2 are there."""
    request = Request("POST", "/a?b=1", (("Content-Type", "text/plain"),), b"hello")
    found = log([entry_of(request, OK)])["log"]
    assert (found["version"], set(found["creator"])) == ("1.2", {"name", "version"})
    (entry,) = found["entries"]
    assert {"startedDateTime", "time", "request", "response", "cache", "timings"} <= set(entry)
    assert entry["request"]["url"] == "http://recorded/a?b=1"
    assert entry["request"]["postData"] == {"mimeType": "text/plain", "text": "hello"}
    assert entry["request"]["bodySize"] == 5
    assert entry["response"]["content"]["size"] == len(OK.body)


@pytest.mark.parametrize("entry", [{}, {"request": {}}, {"request": {"url": "/", "headers": [{}]}}])
def test_an_entry_of_another_form_is_an_error(entry: dict[str, object]) -> None:
    """A file of another program is refused by KeyError, which the reader of the corpus reports."""
    with pytest.raises(KeyError):
        request_of(entry)
