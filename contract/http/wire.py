"""Sends one request's exact bytes over a new connection and reads one answer.

Client libraries change requests before they send them, so this module writes the bytes itself.
h11 reads the answer; it follows RFC 9112 on framing.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import h11

from contract.errors import TargetMisbehaved, TargetUnreachable
from contract.http.messages import HEADER_CHARSET, Answer, Request

MAX_BODY: Final = 8 * 1024 * 1024  # bytes of an answer; no answer of an API is near that
TIMEOUT: Final = 15.0  # seconds for a whole answer; a service under test answers in milliseconds
_PIECE: Final = 64 * 1024  # bytes to read at once


@dataclass(frozen=True, slots=True)
class Address:
    """Where a target listens."""

    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Address:
        """From `http://host[:port]`. Raises TargetUnreachable for anything else."""
        try:
            parts = urlsplit(url)
            port = 80 if parts.port is None else parts.port
        except ValueError as error:
            raise TargetUnreachable(f"{url} is not a URL: {error}") from error
        more = parts.path.removesuffix("/") or parts.query or parts.fragment or parts.username
        if parts.scheme != "http" or not parts.hostname or more:
            raise TargetUnreachable(f"{url} is not a base URL of the form http://host:port")
        return cls(parts.hostname, port)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host  # RFC 3986, section 3.2.2
        return f"{host}:{self.port}"


async def send(address: Address, request: Request, *, timeout: float = TIMEOUT) -> Answer:
    """Send one request and read its answer.

    Raises TargetUnreachable or TargetMisbehaved.
    """
    try:
        async with asyncio.timeout(timeout):
            return await _exchange(address, request)
    except TimeoutError as error:
        raise TargetMisbehaved(
            f"{address} hung: no complete answer to {request.method} {request.path[:80]} "
            f"within {timeout:g} s"
        ) from error


async def _exchange(address: Address, request: Request) -> Answer:
    try:
        reader, writer = await asyncio.open_connection(address.host, address.port, limit=_PIECE)
    except OSError as error:
        raise TargetUnreachable(f"{address} cannot be reached: {error}") from error
    try:
        sent = time.time()
        await _write(writer, request.raw(str(address)))
        return await _read(address, request, reader, sent)
    finally:
        writer.close()


async def _write(writer: asyncio.StreamWriter, raw: bytes) -> None:
    try:
        writer.write(raw)
        await writer.drain()
    except ConnectionError:
        # A server may answer (413, 431) and close before it has read all bytes: its answer counts.
        return


async def _read(
    address: Address, request: Request, reader: asyncio.StreamReader, sent: float
) -> Answer:
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=1024 * 1024)
    # h11 uses the method only to know whether the answer has a body.
    method = "HEAD" if request.method == "HEAD" else "GET"
    connection.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
    connection.send(h11.EndOfMessage())
    head: h11.Response | None = None
    pieces: list[bytes] = []
    size = 0
    what = f"{address} on {request.method} {request.path[:80]}"
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError as error:
            raise TargetMisbehaved(f"{what} did not answer in HTTP/1.1: {error}") from error
        if event is h11.NEED_DATA:
            piece = await _piece(reader, what)
            if not piece and head is None and not connection.trailing_data[0]:
                raise TargetMisbehaved(f"{what} closed the connection without an answer")
            connection.receive_data(piece)
        elif isinstance(event, h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            pieces.append(bytes(event.data))
            size += len(event.data)
            if size > MAX_BODY:
                raise TargetMisbehaved(f"{what} sent more than {MAX_BODY >> 20} MiB")
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            break
    if head is None:
        raise TargetMisbehaved(f"{what} closed the connection without an answer")
    headers = tuple(
        (name.decode(HEADER_CHARSET), value.decode(HEADER_CHARSET))
        for name, value in head.headers.raw_items()
    )
    return Answer(head.status_code, headers, b"".join(pieces), sent, time.time())


async def _piece(reader: asyncio.StreamReader, what: str) -> bytes:
    try:
        return await reader.read(_PIECE)
    except ConnectionError as error:
        raise TargetMisbehaved(f"{what} broke the connection: {error}") from error
