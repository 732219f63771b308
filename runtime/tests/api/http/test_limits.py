"""What a client may send, on raw sockets, against the server with an application that counts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from agent_runtime.api.http.bodies import MAX_BODY
from agent_runtime.api.http.limits import MAX_BODY_ON_WIRE, MAX_HEAD, ReadTimeouts
from agent_runtime.api.http.server import ApiServer, listen

PATIENCE = ReadTimeouts(head=0.3, body=0.5, answer=0.4)
LONG = 5.0  # seconds after which a connection that should have been closed was not


@dataclass
class Echo:
    """An application that answers with the length of the body, and keeps count of its requests."""

    answer_with: bytes | None = None
    bodies: list[int] = field(default_factory=list)
    hold: asyncio.Event | None = None
    called: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(
        self,
        _scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """Serve one request."""
        event = await receive()
        assert event["type"] == "http.request"
        assert not event["more_body"], "the application is called once the request is whole"
        self.bodies.append(len(event["body"]))
        self.called.set()
        if self.hold is not None:
            await self.hold.wait()
        answer = self.answer_with or str(len(event["body"])).encode()
        headers = [(b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


class Client:
    """A socket that writes what it is told."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """Write, and wait while the server does not take it."""
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self) -> tuple[int, bytes]:
        """Status and body of the next answer."""
        head = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), LONG)
        status = int(head.split(b" ", 2)[1])
        if status == 100:
            return status, b""
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        return status, await asyncio.wait_for(self._reader.readexactly(length), LONG)

    async def closed(self) -> bytes:
        """What comes until the server closes the connection; TimeoutError when it does not."""
        try:
            return await asyncio.wait_for(self._reader.read(-1), LONG)
        except ConnectionResetError:
            return b""

    async def send_until_cut(self, piece: bytes, pause: float = 0.0) -> int:
        """Go on writing until the connection is gone; returns how many bytes that took."""
        sent = 0
        with suppress(ConnectionError):
            while True:
                await self.send(piece)
                sent += len(piece)
                await asyncio.sleep(pause)
        return sent

    def close(self) -> None:
        """Leave."""
        self._writer.close()


class Served:
    """A running server and its application."""

    def __init__(self, app: Echo, server: ApiServer, port: int) -> None:
        self.app = app
        self.server = server
        self._port = port
        self._clients: list[Client] = []

    async def connect(self) -> Client:
        """One more client."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._clients.append(Client(reader, writer))
        return self._clients[-1]

    def close(self) -> None:
        """All clients leave."""
        for client in self._clients:
            client.close()


@asynccontextmanager
async def serving(app: Echo, patience: ReadTimeouts = PATIENCE) -> AsyncIterator[Served]:
    """Serve `app` on a free port."""
    listening = listen("127.0.0.1", 0)
    server = ApiServer(app, patience)
    task = asyncio.create_task(server.serve_on(listening))
    served = Served(app, server, listening.getsockname()[1])
    try:
        yield served
    finally:
        served.close()
        server.stop()
        await asyncio.wait_for(task, LONG)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    """A server that answers at once."""
    async with serving(Echo()) as running:
        yield running


def head(*lines: str, method: str = "GET") -> bytes:
    """A request up to its body."""
    return "\r\n".join([f"{method} / HTTP/1.1", "Host: here", *lines, "", ""]).encode()


async def refusal(client: Client, status: int) -> None:
    """The client finds `status` in the shape of every error, and nothing after it."""
    answered, body = await client.answer()
    assert answered == status
    assert list(json.loads(body)) == ["error"]
    assert await client.closed() == b""


async def test_body_at_the_limit_passes(served: Served) -> None:
    """A body of exactly 100 KiB reaches the application, whole."""
    client = await served.connect()
    await client.send(head(f"Content-Length: {MAX_BODY}", method="POST") + b"x" * MAX_BODY)
    assert await client.answer() == (200, str(MAX_BODY).encode())


async def test_announced_large_body_is_refused_unread(served: Served) -> None:
    """One byte above 100 KiB, by Content-Length, is 413 before any of it is sent."""
    client = await served.connect()
    await client.send(head(f"Content-Length: {MAX_BODY + 1}", method="POST"))
    await refusal(client, 413)
    assert served.app.bodies == []


async def test_chunked_large_body_is_refused(served: Served) -> None:
    """A body that grows above 100 KiB chunk by chunk is 413, and the application never sees it."""
    client = await served.connect()
    await client.send(head("Transfer-Encoding: chunked", method="POST"))
    for _ in range(MAX_BODY // 1024 + 1):
        await client.send(b"400\r\n" + b"x" * 1024 + b"\r\n")
    await refusal(client, 413)
    assert served.app.bodies == []


async def test_endless_chunk_extension_is_refused(served: Served) -> None:
    """Bytes that are no body, a chunk's extension, do not get around the limit."""
    client = await served.connect()
    await client.send(head("Transfer-Encoding: chunked", method="POST") + b"1;")
    for _ in range(MAX_BODY_ON_WIRE * 3 // 2 // 4096):
        await client.send(b"x" * 4096)
    await refusal(client, 413)
    assert served.app.bodies == []


async def test_sender_of_much_too_much_is_cut_off(served: Served) -> None:
    """After a refusal little more is read: a client that goes on sending loses its connection."""
    client = await served.connect()
    await client.send(head("Content-Length: 67108864", method="POST"))
    sent = await asyncio.wait_for(client.send_until_cut(b"x" * 65536), LONG)
    assert sent < 32 * 1024 * 1024  # of it most lies in the buffers of both sockets


async def test_sender_finds_the_refusal(served: Served) -> None:
    """A client that sends its whole body of 300 KiB before it reads still finds the 413."""
    client = await served.connect()
    await client.send(head("Content-Length: 307200", method="POST") + b"x" * 307200)
    assert (await client.answer())[0] == 413


async def test_head_at_the_limit_passes(served: Served) -> None:
    """Headers a little below 16 KiB pass."""
    client = await served.connect()
    await client.send(head("X: " + "x" * (MAX_HEAD - 100)))
    assert await client.answer() == (200, b"0")


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
    """A path above 16 KiB is 431 as well."""
    client = await served.connect()
    await client.send(b"GET /" + b"x" * MAX_HEAD + b" HTTP/1.1\r\nHost: here\r\n\r\n")
    await refusal(client, 431)


async def test_endless_header_is_refused(served: Served) -> None:
    """A header that never ends is 431 once 16 KiB of it came, piece by piece."""
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
    """A connection without a whole head in time is closed without an answer."""
    client = await served.connect()
    await client.send(beginning)
    assert await client.closed() == b""


async def test_trickling_head_is_dropped(served: Served) -> None:
    """A byte now and then does not win time."""
    client = await served.connect()
    await client.send(b"GET / HTTP/1.1\r\nX: ")

    trickling = asyncio.create_task(client.send_until_cut(b"x", pause=PATIENCE.head / 10))
    assert await client.closed() == b""
    await asyncio.wait_for(trickling, LONG)


async def test_second_request_is_on_the_clock(served: Served) -> None:
    """A kept connection whose next request does not get whole is closed as well."""
    client = await served.connect()
    await client.send(head())
    assert (await client.answer())[0] == 200
    await client.send(b"GET / HT")
    assert await client.closed() == b""


async def test_slow_body_is_dropped(served: Served) -> None:
    """A body that is not whole in time closes the connection; the application never ran."""
    client = await served.connect()
    await client.send(head("Content-Length: 10", method="POST") + b"12345")
    assert await client.closed() == b""
    assert served.app.bodies == []


async def test_cut_off_body_never_runs(served: Served) -> None:
    """A client that leaves in the middle of its body has asked for nothing."""
    client = await served.connect()
    await client.send(head("Content-Length: 10", method="POST") + b"12345")
    client.close()
    other = await served.connect()
    await other.send(head())
    await other.answer()
    assert served.app.bodies == [0]


async def test_client_that_does_not_read_is_dropped() -> None:
    """A client that never takes a large answer loses its connection."""
    app = Echo(answer_with=b"x" * 32 * 1024 * 1024)
    async with serving(app) as served:
        client = await served.connect()
        await client.send(head())
        await asyncio.sleep(2 * PATIENCE.answer)
        assert len(await client.closed()) < len(app.answer_with or b"")


async def test_slow_application_is_not_the_clients_fault() -> None:
    """While the application works, no clock of the client runs."""
    async with serving(Echo(hold=asyncio.Event())) as served:
        client = await served.connect()
        await client.send(head())
        await asyncio.sleep(2 * max(PATIENCE.head, PATIENCE.body))
        assert served.app.hold is not None
        served.app.hold.set()
        assert (await client.answer())[0] == 200


async def test_what_is_not_http_is_an_error_in_json(served: Served) -> None:
    """Bytes that are no request are 400 in the shape of every error."""
    client = await served.connect()
    await client.send(b"\x16\x03\x01 hello\r\n\r\n")
    await refusal(client, 400)


async def test_pipelined_requests_are_answered_in_order(served: Served) -> None:
    """Three requests sent at once, two with bodies, get three answers in their order."""
    client = await served.connect()
    post = head("Content-Length: 3", method="POST") + b"abc"
    await client.send(post + head() + post)
    assert [await client.answer() for _ in range(3)] == [(200, b"3"), (200, b"0"), (200, b"3")]


async def test_expecting_client_is_told_to_go_on(served: Served) -> None:
    """A client that waits for 100 Continue gets it, and its body is read."""
    client = await served.connect()
    await client.send(head("Expect: 100-continue", "Content-Length: 2", method="POST"))
    assert await client.answer() == (100, b"")
    await client.send(b"ok")
    assert await client.answer() == (200, b"2")


async def test_upgrade_is_answered_as_plain_http(served: Served) -> None:
    """A client that offers HTTP/2 gets its answer in HTTP/1.1."""
    client = await served.connect()
    await client.send(head("Connection: Upgrade", "Upgrade: h2c"))
    assert (await client.answer())[0] == 200


async def test_stop_waits_for_whole_requests_only() -> None:
    """Stopping finishes a request under way and closes one that is not whole, at once."""
    app = Echo(hold=asyncio.Event())
    async with serving(app, ReadTimeouts()) as served:
        working, slow = await served.connect(), await served.connect()
        await working.send(head())
        await slow.send(head("Content-Length: 10", method="POST"))
        await asyncio.wait_for(app.called.wait(), LONG)
        served.server.stop()
        assert await slow.closed() == b""
        app.hold.set()  # type: ignore[union-attr]
        assert (await working.answer())[0] == 200
