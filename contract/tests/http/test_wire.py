"""Exact bytes over real sockets."""

from __future__ import annotations

import asyncio
import socket
import struct
import time

import pytest

from contract.errors import TargetMisbehaved, TargetUnreachable
from contract.http.address import Address
from contract.http.messages import Request
from contract.http.wire import MAX_BODY, send
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


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://h", "h:80", "http://h:x", "http://h:99999", "http://", ""),
        *("http://h?x=1", "http://h#x", "http://u:p@h", "http://[::1"),
    ],
)
def test_only_base_urls_are_addresses(url: str) -> None:
    """Anything but scheme, host and port is refused with the expected form: it would be ignored."""
    with pytest.raises(TargetUnreachable, match=r"is not a (base )?URL"):
        Address.of(url)


async def test_an_address_of_ip_6_has_brackets() -> None:
    """An IPv6 address is written with brackets, also in the Host header, as RFC 3986 demands."""
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(OK + b"Content-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "::1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        address = Address.of(f"http://[::1]:{port}")
        assert (await send(address, Request("GET", "/", ()))).status == 200
    assert str(address) == f"[::1]:{port}"
    assert b"\r\nHost: [::1]:%d\r\n" % port in received[0]


async def test_a_port_where_nobody_listens_is_unreachable() -> None:
    """A refused connection and port 0 are unreachable, and the message has the address."""
    async with raw_server(OK) as server:
        address = server.address
    for nobody in (address, Address.of("http://127.0.0.1:0")):
        with pytest.raises(TargetUnreachable, match=f"{nobody} cannot be reached"):
            await send(nobody, Request("GET", "/", ()))


async def test_a_reset_connection_misbehaves() -> None:
    """A server that resets the connection is named with the request, like one that closes it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        address = Address("127.0.0.1", server.sockets[0].getsockname()[1])
        with pytest.raises(TargetMisbehaved, match=r"on GET /gone (broke|closed) the connection"):
            await send(address, Request("GET", "/gone?x=1", ()))


async def test_interim_answers_do_not_count() -> None:
    """Of 100 Continue, 103 Early Hints and a final answer, the final one is the answer."""
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    final = b"HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx"
    async with raw_server(interim, final, delay=0.01) as server:
        answer = await send(server.address, Request("GET", "/", ()))
    assert (answer.status, answer.body) == (404, b"x")
    assert answer.header("link") is None


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_some_statuses_have_no_body(status: bytes) -> None:
    """204 and 304 end with their head, whatever length they announce and while the server waits."""
    async with raw_server(b"HTTP/1.1 " + status + b"\r\nX-A: 1\r\n\r\n", delay=0.3) as server:
        answer = await send(server.address, Request("GET", "/", ()), timeout=0.25)
    assert (answer.body, answer.header("x-a")) == (b"", "1")


async def test_compressed_bodies_stay_compressed() -> None:
    """The body is that of the wire: a content encoding is not undone, since it may differ too."""
    packed = b"\x1f\x8b not really gzip"
    head = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    async with raw_server(OK + head + packed) as server:
        answer = await send(server.address, Request("GET", "/", ()))
    assert (answer.body, answer.header("content-encoding")) == (packed, "gzip")


async def test_header_bytes_beyond_ascii_survive() -> None:
    """Header values are Latin-1, so every byte of the server's comes back as it was."""
    head = b"X-Odd: \xe9\xff\r\nX-Empty:\r\nContent-Length: 0\r\n\r\n"
    async with raw_server(OK + head) as server:
        answer = await send(server.address, Request("GET", "/", ()))
    assert (answer.header("x-odd"), answer.header("x-empty")) == ("\xe9\xff", "")


async def test_a_flood_ends_at_the_limit() -> None:
    """An answer with a body beyond the limit misbehaves; one of just that size is read."""
    whole = OK + b"Content-Length: %d\r\n\r\n" % MAX_BODY + b"x" * MAX_BODY
    async with raw_server(whole) as server:
        answer = await send(server.address, Request("GET", "/", ()))
        assert len(answer.body) == MAX_BODY
    more = OK + b"\r\n" + b"x" * (MAX_BODY + 1)
    async with raw_server(more) as server:
        with pytest.raises(TargetMisbehaved, match="more than 8 MiB"):
            await send(server.address, Request("GET", "/", ()))


async def test_an_endless_head_misbehaves() -> None:
    """A head that never ends is no answer: the gate stops reading after a mebibyte."""
    async with raw_server(OK + b"X-Long: " + b"x" * (2 << 20)) as server:
        with pytest.raises(TargetMisbehaved, match=r"did not answer in HTTP/1\.1"):
            await send(server.address, Request("GET", "/", ()))


async def test_each_request_has_a_connection_of_its_own() -> None:
    """Requests at the same time travel apart, so none waits for, or alters, another."""
    async with raw_server(OK + b"Content-Length: 0\r\n\r\n", delay=0.05) as server:
        requests = [Request("GET", f"/{number}", ()) for number in range(5)]
        await asyncio.gather(*(send(server.address, request) for request in requests))
    assert sorted(server.received) == [r.raw(str(server.address)) for r in requests]
