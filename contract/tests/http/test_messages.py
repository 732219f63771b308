"""Requests and answers by their bytes."""

from __future__ import annotations

from contract.http.messages import Answer, Request

REQUEST = Request("POST", "/a/b?x=1&y=?", (("Host", "recorded"), ("X-Key", "é")), b"body")


def test_raw_writes_head_and_body_with_the_given_host() -> None:
    """The bytes are request line, the target's Host, the other headers in Latin-1, and the body."""
    expected = b"POST /a/b?x=1&y=? HTTP/1.1\r\nHost: there:1\r\nX-Key: \xe9\r\n\r\nbody"
    assert REQUEST.raw("there:1") == expected


def test_path_and_query_part_at_the_first_question_mark() -> None:
    """A later question mark belongs to the query."""
    assert (REQUEST.path, REQUEST.query) == ("/a/b", "x=1&y=?")
    assert (Request("GET", "/a", ()).path, Request("GET", "/a", ()).query) == ("/a", "")


def test_with_header_replaces_adds_and_removes() -> None:
    """A header is one whatever its letter case; None removes it."""
    changed = REQUEST.with_header("x-key", "new")
    assert [value for name, value in changed.headers if name.lower() == "x-key"] == ["new"]
    assert REQUEST.with_header("Accept", "*/*").header("accept") == "*/*"
    assert REQUEST.with_header("X-KEY", None).header("X-Key") is None


def test_with_body_sets_the_length() -> None:
    """Another body brings its own Content-Length, in bytes."""
    changed = REQUEST.with_body("é".encode())
    assert (changed.body, changed.header("Content-Length")) == (b"\xc3\xa9", "2")


def test_the_first_of_several_headers_counts() -> None:
    """`header` gives the first value of a name that appears twice."""
    answer = Answer(200, (("Set-Cookie", "a"), ("set-cookie", "b")), b"")
    assert answer.header("SET-COOKIE") == "a"


def test_text_escapes_bytes_that_are_no_utf_8() -> None:
    """A body that is not UTF-8 still has a text to show."""
    assert Answer(200, (), b"a\xff").text == "a\\xff"


def test_content_is_the_body_without_its_chunks() -> None:
    """Chunk sizes are framing; a body that is not announced as chunked is its own content."""
    chunks = b"2\r\na\r\r\nA\r\n0123456789\r\n0\r\n\r\n"
    framed = Request("POST", "/", (("transfer-encoding", "Chunked"),), chunks)
    assert framed.content == b"a\r0123456789"
    assert Request("POST", "/", (), chunks).content == chunks
