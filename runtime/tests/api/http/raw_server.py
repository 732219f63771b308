"""A server on a raw socket whose application counts its requests, and clients that send any bytes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from agent_runtime.api.http.limits import ReadTimeouts
from agent_runtime.api.http.server import ApiServer, listen

TIMEOUTS = ReadTimeouts(head=0.3, body=0.5, response=0.4)
LONG = 5.0  # seconds after which a connection counts as not closed


@dataclass
class Echo:
    """An application that responds with the length of the body, and records its requests."""

    response_with: bytes | None = None
    bodies: list[int] = field(default_factory=list)
    blocker: asyncio.Event | None = None
    called: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(
        self,
        _scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """Serve one request, once `blocker` is set."""
        event = await receive()
        assert event["type"] == "http.request"
        assert not event["more_body"], "the application is called once the request is complete"
        self.bodies.append(len(event["body"]))
        self.called.set()
        if self.blocker is not None:
            await self.blocker.wait()
        response = self.response_with or str(len(event["body"])).encode()
        headers = [(b"content-length", str(len(response)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": response})


class Client:
    """A client on a raw socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """Write, and wait while the server does not read."""
        self._writer.write(data)
        await self._writer.drain()

    async def response(self) -> tuple[int, bytes]:
        """Status and body of the next response."""
        head = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), LONG)
        status = int(head.split(b" ", 2)[1])
        if status == 100:
            return status, b""
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        return status, await asyncio.wait_for(self._reader.readexactly(length), LONG)

    async def closed(self) -> bytes:
        """Everything received until the server closes the connection; TimeoutError when it does not."""
        try:
            return await asyncio.wait_for(self._reader.read(-1), LONG)
        except ConnectionResetError:
            return b""

    async def send_until_cut(self, piece: bytes, pause: float = 0.0) -> int:
        """Write until the connection breaks; returns the number of bytes written."""
        sent = 0
        with suppress(ConnectionError):
            while True:
                await self.send(piece)
                sent += len(piece)
                await asyncio.sleep(pause)
        return sent

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()


class Served:
    """A running server and its application."""

    def __init__(self, app: Echo, server: ApiServer, port: int) -> None:
        self.app = app
        self.server = server
        self._port = port
        self._clients: list[Client] = []

    async def connect(self) -> Client:
        """Connect one more client."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._clients.append(Client(reader, writer))
        return self._clients[-1]

    def close(self) -> None:
        """Close all clients."""
        for client in self._clients:
            client.close()


@asynccontextmanager
async def serving(app: Echo, timeouts: ReadTimeouts = TIMEOUTS) -> AsyncIterator[Served]:
    """Serve `app` on a free port."""
    listening = listen("127.0.0.1", 0)
    server = ApiServer(app, timeouts)
    task = asyncio.create_task(server.serve_on(listening))
    served = Served(app, server, listening.getsockname()[1])
    try:
        yield served
    finally:
        served.close()
        server.stop()
        await asyncio.wait_for(task, LONG)


def head(*lines: str, method: str = "GET") -> bytes:
    """Request line and headers of a request."""
    return "\r\n".join([f"{method} / HTTP/1.1", "Host: here", *lines, "", ""]).encode()


async def refusal(client: Client, status: int) -> None:
    """The client receives `status` in the shape of every error, and then the end of the connection."""
    received, body = await client.response()
    assert received == status
    assert list(json.loads(body)) == ["error"]
    assert await client.closed() == b""
