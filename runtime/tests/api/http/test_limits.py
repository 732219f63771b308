"""Limits on the size and duration of requests, tested on raw sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from agent_runtime.api.http.bodies import MAX_BODY
from agent_runtime.api.http.framing.rules import MAX_HEAD
from agent_runtime.api.http.limits import MAX_BODY_ON_WIRE, ReadTimeouts

from .raw_server import LONG, TIMEOUTS, Echo, Served, head, refusal, serving


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    """A server that responds at once."""
    async with serving(Echo()) as running:
        yield running


async def test_body_at_the_limit_passes(served: Served) -> None:
    """A body of exactly 100 KiB reaches the application."""
    client = await served.connect()
    await client.send(head(f"Content-Length: {MAX_BODY}", method="POST") + b"x" * MAX_BODY)
    assert await client.response() == (200, str(MAX_BODY).encode())


async def test_announced_large_body_is_refused_unread(served: Served) -> None:
    """A Content-Length one byte above 100 KiB is 413 before any of the body is sent."""
    client = await served.connect()
    await client.send(head(f"Content-Length: {MAX_BODY + 1}", method="POST"))
    await refusal(client, 413)
    assert served.app.bodies == []


async def test_chunked_large_body_is_refused(served: Served) -> None:
    """A chunked body that grows above 100 KiB is 413, and the application is not called."""
    client = await served.connect()
    await client.send(head("Transfer-Encoding: chunked", method="POST"))
    for _ in range(MAX_BODY // 1024 + 1):
        await client.send(b"400\r\n" + b"x" * 1024 + b"\r\n")
    await refusal(client, 413)
    assert served.app.bodies == []


async def test_endless_chunk_extension_is_refused(served: Served) -> None:
    """The bytes of a chunk's extension count towards the limit of the body."""
    client = await served.connect()
    await client.send(head("Transfer-Encoding: chunked", method="POST") + b"1;")
    for _ in range(MAX_BODY_ON_WIRE * 3 // 2 // 4096):
        await client.send(b"x" * 4096)
    await refusal(client, 413)
    assert served.app.bodies == []


async def test_an_endless_sender_is_cut_off(served: Served) -> None:
    """After a refusal little more is read, and a client that keeps sending is disconnected."""
    client = await served.connect()
    await client.send(head("Content-Length: 67108864", method="POST"))
    sent = await asyncio.wait_for(client.send_until_cut(b"x" * 65536), LONG)
    assert sent < 32 * 1024 * 1024  # most of it is in the buffers of both sockets


async def test_a_sender_receives_the_refusal(served: Served) -> None:
    """A client that sends a body of 300 KiB before it reads still receives the 413."""
    client = await served.connect()
    await client.send(head("Content-Length: 307200", method="POST") + b"x" * 307200)
    assert (await client.response())[0] == 413


async def test_head_at_the_limit_passes(served: Served) -> None:
    """Headers slightly below 16 KiB are accepted."""
    client = await served.connect()
    await client.send(head("X: " + "x" * (MAX_HEAD - 100)))
    assert await client.response() == (200, b"0")


@pytest.mark.parametrize(
    "lines",
    [
        ["X: " + "x" * MAX_HEAD],
        [f"X-{i}: {'x' * 100}" for i in range(MAX_HEAD // 100)],
    ],
    ids=["one", "many"],
)
async def test_large_head_is_refused(served: Served, lines: list[str]) -> None:
    """Headers above 16 KiB, in one or in many, are 431."""
    client = await served.connect()
    await client.send(head(*lines))
    await refusal(client, 431)
    assert served.app.bodies == []


async def test_long_request_line_is_refused(served: Served) -> None:
    """A request line above 16 KiB is 431."""
    client = await served.connect()
    await client.send(b"GET /" + b"x" * MAX_HEAD + b" HTTP/1.1\r\nHost: here\r\n\r\n")
    await refusal(client, 431)


async def test_endless_header_is_refused(served: Served) -> None:
    """A header that never ends is 431 once 16 KiB of it have arrived in pieces."""
    client = await served.connect()
    await client.send(b"GET / HTTP/1.1\r\nX: ")
    for _ in range(20):
        await client.send(b"x" * 1024)
        await asyncio.sleep(0)
    await refusal(client, 431)


@pytest.mark.parametrize(
    "beginning",
    [b"", b"GET", b"GET / HTTP/1.1\r\nHost: he", b"\r\n"],
    ids=["nothing", "method", "header", "empty line"],
)
async def test_slow_head_is_dropped(served: Served, beginning: bytes) -> None:
    """A connection without complete headers in time is closed without a response."""
    client = await served.connect()
    await client.send(beginning)
    assert await client.closed() == b""


async def test_trickling_head_is_dropped(served: Served) -> None:
    """Sending single bytes does not extend the time for headers."""
    client = await served.connect()
    await client.send(b"GET / HTTP/1.1\r\nX: ")

    trickling = asyncio.create_task(client.send_until_cut(b"x", pause=TIMEOUTS.head / 10))
    assert await client.closed() == b""
    await asyncio.wait_for(trickling, LONG)


async def test_a_second_request_has_a_timeout(served: Served) -> None:
    """A persistent connection whose next request stays incomplete is closed."""
    client = await served.connect()
    await client.send(head())
    assert (await client.response())[0] == 200
    await client.send(b"GET / HT")
    assert await client.closed() == b""


async def test_slow_body_is_dropped(served: Served) -> None:
    """A body that is incomplete after its time closes the connection; the application is not called."""
    client = await served.connect()
    await client.send(head("Content-Length: 10", method="POST") + b"12345")
    assert await client.closed() == b""
    assert served.app.bodies == []


async def test_cut_off_body_never_runs(served: Served) -> None:
    """A request whose client disconnects within the body does not reach the application."""
    client = await served.connect()
    await client.send(head("Content-Length: 10", method="POST") + b"12345")
    client.close()
    other = await served.connect()
    await other.send(head())
    await other.response()
    assert served.app.bodies == [0]


async def test_client_that_does_not_read_is_dropped() -> None:
    """A client that does not read a large response is disconnected."""
    app = Echo(response_with=b"x" * 32 * 1024 * 1024)
    async with serving(app) as served:
        client = await served.connect()
        await client.send(head())
        await asyncio.sleep(2 * TIMEOUTS.response)
        assert len(await client.closed()) < len(app.response_with or b"")


async def test_a_slow_application_does_not_time_out_the_client() -> None:
    """While the application works on a request, no timeout of the client runs."""
    async with serving(Echo(blocker=asyncio.Event())) as served:
        client = await served.connect()
        await client.send(head())
        await asyncio.sleep(2 * max(TIMEOUTS.head, TIMEOUTS.body))
        assert served.app.blocker is not None
        served.app.blocker.set()
        assert (await client.response())[0] == 200


async def test_what_is_not_http_is_an_error_in_json(served: Served) -> None:
    """Bytes that are no HTTP request are 400 in the shape of every error."""
    client = await served.connect()
    await client.send(b"\x16\x03\x01 hello\r\n\r\n")
    await refusal(client, 400)


async def test_pipelined_requests_are_answered_in_order(served: Served) -> None:
    """Three pipelined requests, two with bodies, get three responses in their order."""
    client = await served.connect()
    post = head("Content-Length: 3", method="POST") + b"abc"
    await client.send(post + head() + post)
    assert [await client.response() for _ in range(3)] == [(200, b"3"), (200, b"0"), (200, b"3")]


async def test_expect_100_continue(served: Served) -> None:
    """A client that waits for 100 Continue receives it, and its body is read."""
    client = await served.connect()
    await client.send(head("Expect: 100-continue", "Content-Length: 2", method="POST"))
    assert await client.response() == (100, b"")
    await client.send(b"ok")
    assert await client.response() == (200, b"2")


async def test_an_upgrade_is_ignored(served: Served) -> None:
    """A client that offers HTTP/2 gets its response in HTTP/1.1."""
    client = await served.connect()
    await client.send(head("Connection: Upgrade", "Upgrade: h2c"))
    assert (await client.response())[0] == 200


async def test_stop_waits_for_complete_requests_only() -> None:
    """Stopping finishes a running request, and closes a connection with an incomplete one at once."""
    app = Echo(blocker=asyncio.Event())
    async with serving(app, ReadTimeouts()) as served:
        working, slow = await served.connect(), await served.connect()
        await working.send(head())
        await slow.send(head("Content-Length: 10", method="POST"))
        await asyncio.wait_for(app.called.wait(), LONG)
        served.server.stop()
        assert await slow.closed() == b""
        app.blocker.set()  # type: ignore[union-attr]
        assert (await working.response())[0] == 200
