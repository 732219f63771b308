"""The recording proxy between real clients and real servers."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

import pytest

from contract.http.address import Address
from contract.http.messages import Request
from contract.http.wire import send
from contract.record.proxy import RecordingProxy
from contract.tests.raw_server import raw_server

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


def behind(address: Address) -> RecordingProxy:
    """A proxy in front of the server at an address."""
    return RecordingProxy(partial(send, address))


async def through(proxy: RecordingProxy, *pieces: bytes) -> bytes:
    """The bytes that a client receives which sends these pieces and waits for the end."""
    address = Address.of(proxy.url)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.01)
    received = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return received


async def test_requests_pass_and_are_kept_byte_by_byte() -> None:
    """Odd targets, header spellings, Latin-1 and repeated headers reach the server and the record."""
    headers = (("x-ODD", "1"), ("X-Odd", "é"), ("Content-Length", "3"))
    request = Request("POST", "/%zz//x?a[]=1&a[]=2", headers, b"\x00\xff\n")
    async with raw_server(OK) as server, behind(server.address) as proxy:
        answer = await send(Address.of(proxy.url), request)
    assert answer.body == b"hi"
    (taken,) = proxy.taken
    assert taken.request.raw("x") == request.raw("x")
    assert server.received == [request.raw(str(server.address))]
    assert (taken.answer.status, taken.answer.body) == (200, b"hi")


async def test_a_request_in_pieces_is_one_request() -> None:
    """The proxy waits for the announced body, however the client cuts the bytes."""
    head = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Le"
    async with raw_server(OK) as server, behind(server.address) as proxy:
        await through(proxy, head, b"ngth: 4\r\n\r\nab", b"cd")
    assert [taken.request.body for taken in proxy.taken] == [b"abcd"]


async def test_the_framing_of_a_chunked_body_is_kept() -> None:
    """A chunked body is recorded with its chunk sizes, and ends at its last chunk."""
    chunks = b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    head = b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with raw_server(OK) as server, behind(server.address) as proxy:
        await through(proxy, head + chunks)
    assert proxy.taken[0].request.body == chunks
    assert server.received[0].endswith(b"\r\n\r\n" + chunks)


async def test_a_chunked_answer_reaches_the_client_whole() -> None:
    """Whatever the server's framing, the client gets a length, and a connection that closes."""
    chunked = b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n2\r\nab\r\n0\r\n\r\n"
    async with raw_server(chunked) as server, behind(server.address) as proxy:
        answer = await send(Address.of(proxy.url), Request("GET", "/", ()))
    assert (answer.status, answer.body) == (404, b"ab")
    assert answer.headers == (("X-A", "1"), ("Content-Length", "2"), ("Connection", "close"))


async def test_one_connection_carries_one_request() -> None:
    """Of two requests in one go only the first is sent and recorded, without the second's bytes."""
    first = b"POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nA"
    second = b"GET /2 HTTP/1.1\r\nHost: x\r\n\r\n"
    async with raw_server(OK) as server, behind(server.address) as proxy:
        received = await through(proxy, first + second)
    assert received.count(b"HTTP/1.1 200") == 1
    assert [(taken.request.target, taken.request.body) for taken in proxy.taken] == [("/1", b"A")]
    assert b"/2" not in server.received[0]


@pytest.mark.parametrize("sent", [b"NOT HTTP\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"])
async def test_no_request_is_no_record(sent: bytes) -> None:
    """Bytes that are no HTTP request never reach the server; the client's connection closes."""
    async with raw_server(OK) as server, behind(server.address) as proxy:
        assert await through(proxy, sent) == b""
    assert (proxy.taken, server.received) == ([], [])


async def test_a_client_that_leaves_early_is_no_record() -> None:
    """A request that ends before its announced length is neither sent nor recorded."""
    async with raw_server(OK) as server, behind(server.address) as proxy:
        address = Address.of(proxy.url)
        _, writer = await asyncio.open_connection(address.host, address.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.05)
    assert (proxy.taken, server.received) == ([], [])


async def test_a_broken_answer_is_no_record() -> None:
    """When the server closes without an answer, so does the proxy, and it records nothing."""
    async with raw_server(b"") as server, behind(server.address) as proxy:
        assert await through(proxy, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") == b""
    assert proxy.taken == []
    assert len(server.received) == 1


async def test_a_server_that_is_gone_is_no_record(caplog: pytest.LogCaptureFixture) -> None:
    """When nobody listens behind the proxy, the client's connection closes and no task crashes."""
    async with raw_server(OK) as server:
        address = server.address
    with caplog.at_level(logging.ERROR):
        async with behind(address) as proxy:
            assert await through(proxy, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") == b""
            await asyncio.sleep(0.01)
    assert proxy.taken == []
    assert caplog.records == []


async def test_requests_at_the_same_time_are_all_kept() -> None:
    """Concurrent clients do not mix: each gets its answer, and each request is recorded."""
    requests = [Request("GET", f"/{number}", ()) for number in range(8)]
    async with raw_server(OK) as server, behind(server.address) as proxy:
        address = Address.of(proxy.url)
        answers = await asyncio.gather(*(send(address, request) for request in requests))
    assert [answer.body for answer in answers] == [b"hi"] * 8
    assert {taken.request.target for taken in proxy.taken} == {f"/{n}" for n in range(8)}


def test_a_proxy_that_is_not_started_has_no_address() -> None:
    """Only a started proxy has a URL."""
    with pytest.raises(RuntimeError, match="not started"):
        _ = behind(Address("127.0.0.1", 1)).url


async def test_after_its_block_the_proxy_is_gone() -> None:
    """Leaving the block closes the port."""
    async with raw_server(OK) as server, behind(server.address) as proxy:
        address = Address.of(proxy.url)
    with pytest.raises(OSError, match=r"[Cc]onnect"):
        await asyncio.open_connection(address.host, address.port)
