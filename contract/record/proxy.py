"""A proxy that keeps the exact bytes of every request on its way to the service behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import h11

from contract.errors import TargetMisbehaved, TargetUnreachable
from contract.http.messages import HEADER_CHARSET, Answer, Request

_PIECE: Final = 64 * 1024
_HEAD_END: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Taken:
    """A request, and the answer of the service."""

    request: Request
    answer: Answer


@dataclass
class RecordingProxy:
    """Listens on a free port of 127.0.0.1; an asynchronous context manager.

    `send` carries a request to the service behind it, with that service's own key. The proxy serves one
    request a connection: answers carry `Connection: close`.
    """

    send: Callable[[Request], Awaitable[Answer]]
    taken: list[Taken] = field(default_factory=list)
    _server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The base URL to give to a client."""
        if self._server is None:
            raise RuntimeError("the proxy is not started")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await _read(reader)
            if request is not None:
                answer = await self.send(request)
                self.taken.append(Taken(request, answer))
                writer.write(_raw(answer))
                await writer.drain()
        except (TargetMisbehaved, TargetUnreachable, ConnectionError):
            return  # nothing is recorded; the client sees a closed connection and continues
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    """One request by its bytes; h11 only finds its end."""
    framing = h11.Connection(h11.SERVER, max_incomplete_event_size=1024 * 1024)
    received = b""
    while True:
        try:
            event = framing.next_event()
        except h11.RemoteProtocolError:
            return None
        if event is h11.NEED_DATA:
            piece = await reader.read(_PIECE)
            if not piece:
                return None
            received += piece
            framing.receive_data(piece)
        elif isinstance(event, h11.EndOfMessage):
            # Bytes of a second request do not belong to the first; the client sends them again.
            return _request(received.removesuffix(framing.trailing_data[0]))


def _request(received: bytes) -> Request:
    head, _, body = received.partition(_HEAD_END)
    first, *lines = head.decode(HEADER_CHARSET).split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = []
    for line in lines:
        name, _, value = line.partition(":")
        headers.append((name, value.strip(" \t")))
    return Request(method, target, tuple(headers), body)


def _raw(answer: Answer) -> bytes:
    kept = [
        (name, value)
        for name, value in answer.headers
        if name.lower() not in ("connection", "keep-alive", "transfer-encoding", "content-length")
    ]
    kept += [("Content-Length", str(len(answer.body))), ("Connection", "close")]
    lines = [f"HTTP/1.1 {answer.status} Recorded", *(f"{name}: {value}" for name, value in kept)]
    return "\r\n".join([*lines, "", ""]).encode(HEADER_CHARSET) + answer.body
