"""Sends one request's exact bytes over a new connection and reads one answer.

Client libraries change requests before they send them, so this module writes the bytes itself.
h11 reads the answer; it follows RFC 9112 on framing.
"""

from __future__ import annotations

import asyncio
import ssl
import time
import zlib
from dataclasses import replace
from typing import Final

import h11

from contract.errors import TargetMisbehaved, TargetUnreachable
from contract.http.address import Address
from contract.http.messages import HEADER_CHARSET, Answer, Request

MAX_BODY: Final = 8 * 1024 * 1024  # bytes of an answer; no answer of an API is near that
TIMEOUT: Final = 15.0  # seconds for a whole answer; a service under test answers in milliseconds
_PIECE: Final = 64 * 1024  # bytes to read at once
_TLS_ALERT: Final = b"\x15\x03"  # the first bytes with which a TLS server answers plain HTTP
_UNPACKED: Final = {
    "gzip": 16 + zlib.MAX_WBITS,
    "x-gzip": 16 + zlib.MAX_WBITS,
    "deflate": zlib.MAX_WBITS,
}


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
    tls = None if address.tls is None else address.tls.context()
    try:
        reader, writer = await asyncio.open_connection(
            address.host, address.port, limit=_PIECE, ssl=tls
        )
    except ssl.SSLCertVerificationError as error:
        raise TargetUnreachable(
            f"{address} shows a certificate that is not trusted ({error.verify_message}): pass the "
            "CA with --ca FILE, or trust it with --insecure"
        ) from error
    except ssl.SSLError as error:
        raise TargetUnreachable(
            f"{address} does not speak TLS ({error.reason}): is it http:// instead of https://?"
        ) from error
    except OSError as error:
        raise TargetUnreachable(f"{address} cannot be reached: {error}") from error
    try:
        sent = time.time()
        based = replace(request, target=address.base + request.target)
        await _write(writer, based.raw(str(address)))
        return unpacked(await _read(address, request, reader, sent))
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
            if head is None:
                _check_first(piece, what, begun=bool(connection.trailing_data[0]))
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


def _check_first(piece: bytes, what: str, *, begun: bool) -> None:
    """Raises TargetMisbehaved when what comes before a head is an end, or TLS."""
    if not piece and not begun:
        raise TargetMisbehaved(f"{what} closed the connection without an answer")
    if piece.startswith(_TLS_ALERT):
        raise TargetMisbehaved(f"{what} speaks TLS: use https:// instead of http://")


def unpacked(answer: Answer) -> Answer:
    """The answer with its body unpacked; its Content-Encoding stays, since clients see it.

    A body in another coding, or not in the coding that it announces, stays as it is.
    """
    window = _UNPACKED.get((answer.header("content-encoding") or "").strip().lower())
    if window is None or not answer.body:
        return answer
    try:
        reader = zlib.decompressobj(window)
        body = reader.decompress(answer.body, MAX_BODY)
    except zlib.error:
        return answer
    return replace(answer, body=body)


async def _piece(reader: asyncio.StreamReader, what: str) -> bytes:
    try:
        return await reader.read(_PIECE)
    except ConnectionError as error:
        raise TargetMisbehaved(f"{what} broke the connection: {error}") from error
