"""Exact bytes over real sockets."""

from __future__ import annotations

import time

import pytest

from contract.errors import TargetMisbehaved, TargetUnreachable
from contract.http.messages import Request
from contract.http.wire import Address, send
from contract.tests.raw_server import raw_server

OK = b"HTTP/1.1 200 OK\r\n"


async def test_bytes_arrive_unchanged() -> None:
    """Nothing adds, reorders or normalises headers: what `raw` says is what arrives."""
    request = Request("GET", "/%zz//x", (("x-ODD", " spaced"), ("X-Odd", "2")), b"\x00\xff")
    async with raw_server(OK + b"Content-Length: 0\r\n\r\n") as server:
        await send(server.address, request)
    assert server.received == [request.raw(str(server.address))]


@pytest.mark.parametrize(
    ("pieces", "body"),
    [
        ([OK + b"Content-Length: 4\r\n\r\n", b"ab", b"cd"], b"abcd"),
        ([OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", b"2\r\ncd\r\n0\r\n\r\n"], b"abcd"),
        ([OK + b"\r\nabc", b"d"], b"abcd"),
    ],
    ids=["length", "chunked", "until close"],
)
async def test_bodies_of_every_framing_are_read(pieces: list[bytes], body: bytes) -> None:
    """A body ends by its length, by its last chunk, or when the connection closes."""
    async with raw_server(*pieces, delay=0.01) as server:
        answer = await send(server.address, Request("GET", "/", ()))
    assert (answer.status, answer.body) == (200, body)


async def test_the_answer_to_head_has_no_body() -> None:
    """HEAD's Content-Length announces no body, so none is awaited."""
    async with raw_server(OK + b"Content-Length: 100\r\n\r\n") as server:
        answer = await send(server.address, Request("HEAD", "/", ()), timeout=1.0)
    assert (answer.body, answer.header("content-length")) == (b"", "100")


async def test_header_names_keep_their_letter_case() -> None:
    """Headers are those of the wire, with repetitions."""
    head = b"X-One: 1\r\nx-one: 2\r\nContent-Length: 0\r\n\r\n"
    async with raw_server(OK + head) as server:
        answer = await send(server.address, Request("GET", "/", ()))
    assert answer.headers[:2] == (("X-One", "1"), ("x-one", "2"))


async def test_an_early_answer_counts() -> None:
    """A server may refuse a large body (413) and close before it has read it."""
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"
    async with raw_server(refusal) as server:
        answer = await send(server.address, Request("POST", "/", (), b"x" * 3_000_000))
    assert answer.status == 413


async def test_the_times_surround_the_exchange() -> None:
    """`sent` and `received` are the gate's own clock around the answer."""
    before = time.time()
    async with raw_server(OK + b"Content-Length: 0\r\n\r\n") as server:
        answer = await send(server.address, Request("GET", "/", ()))
    assert before <= answer.sent < answer.received <= time.time()


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        ([b""], "closed the connection without an answer"),
        ([OK + b"Content-Length: 9\r\n\r\nabc"], "did not answer in HTTP/1.1"),
        ([b"220 mail ready\r\n"], "did not answer in HTTP/1.1"),
    ],
    ids=["nothing", "cut short", "another protocol"],
)
async def test_broken_answers_are_named(pieces: list[bytes], words: str) -> None:
    """An answer that is missing, cut short or no HTTP misbehaves, and the message names it."""
    async with raw_server(*pieces) as server:
        with pytest.raises(TargetMisbehaved, match=words):
            await send(server.address, Request("GET", "/path", ()))


async def test_a_slow_answer_hangs() -> None:
    """An answer that is not complete within the timeout is a hang, with method and path."""
    async with raw_server(OK + b"Content-Length: 9\r\n\r\n", delay=2.0) as server:
        with pytest.raises(TargetMisbehaved, match=r"hung: .* GET /slow within 0.2 s"):
            await send(server.address, Request("GET", "/slow", ()), timeout=0.2)


@pytest.mark.parametrize("url", ["http://h", "http://h/", "http://h:80"])
def test_port_80_is_the_default(url: str) -> None:
    """A base URL without a port means port 80."""
    assert Address.of(url) == Address("h", 80)


@pytest.mark.parametrize("url", ["https://h", "h:80", "http://h/x", "http://h:x", "http://"])
def test_only_base_urls_are_addresses(url: str) -> None:
    """Another scheme, a path, a bad port or no host is refused with the expected form."""
    with pytest.raises(TargetUnreachable, match=r"is not a (base )?URL"):
        Address.of(url)
