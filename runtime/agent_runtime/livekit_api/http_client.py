"""POST over persistent connections: asyncio streams, and httptools to parse the responses.

LiveKit's own client imports aiohttp and protobuf: 15 MB, and a third of a second of blocked event loop
at the first session, in a process that needs four small requests. This is the part of HTTP/1.1 (RFC
9112) that those requests need.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import Final
from urllib.parse import urlsplit

import httptools

from agent_runtime.domain.errors import LiveKitUnavailable

# Bytes to read from a connection at once.
READ: Final = 64 * 1024
# Most bytes of a response body; a LiveKit server never sends that much.
MAX_ANSWER: Final = 4 * 1024 * 1024
SECURE: Final = ("https", "wss")


class AnswerError(LiveKitUnavailable, ConnectionError):
    """Raised when the answer is not HTTP, too large, or was cut off."""


class NoAnswerError(LiveKitUnavailable, ConnectionError):
    """Raised when the connection closed before the first byte of the answer."""


class _Answer:
    """A response while it is being parsed."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.body: list[bytes] = []
        self.size = 0
        self.complete = False
        self.keeps_connection = False

    def on_body(self, piece: bytes) -> None:
        self.body.append(piece)
        self.size += len(piece)

    def on_message_complete(self) -> None:
        self.complete = True
        # httptools knows this only within this callback.
        self.keeps_connection = self.parser.should_keep_alive()


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.used = False

    def is_alive(self) -> bool:
        return not (self._reader.at_eof() or self._writer.is_closing())

    def close(self) -> None:
        self._writer.close()

    async def exchange(self, request: bytes) -> tuple[int, bytes, bool]:
        """Send a request; returns status, body, and whether the connection may be reused."""
        self._writer.write(request)
        answer = _Answer()
        parser = answer.parser
        piece = await self._first_piece()
        self.used = True
        try:
            parser.feed_data(piece)
            while not answer.complete:
                piece = await self._reader.read(READ)
                if not piece:
                    raise AnswerError("the connection closed before the answer was whole")
                parser.feed_data(piece)
                if answer.size > MAX_ANSWER:
                    raise AnswerError(f"the answer is larger than {MAX_ANSWER} bytes")
        except httptools.HttpParserError as error:
            raise AnswerError(f"the answer is not HTTP: {error}") from error
        return parser.get_status_code(), b"".join(answer.body), answer.keeps_connection

    async def _first_piece(self) -> bytes:
        try:
            piece = await self._reader.read(READ)
        except ConnectionError as error:
            raise NoAnswerError(str(error)) from error
        if not piece:
            raise NoAnswerError("the connection closed before an answer came")
        return piece


class HttpClient:
    """Posts to one server, over one connection for each concurrent request; keeps idle connections."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        secure = parts.scheme in SECURE
        # Made once: reading all certificate authorities blocks the event loop for 10 to 40 ms.
        self._tls = ssl.create_default_context() if secure else None
        self._port = parts.port or (443 if secure else 80)
        self._path = parts.path.rstrip("/")
        self._idle: deque[_Connection] = deque()
        self.where = parts.netloc.rpartition("@")[2]

    async def post(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Post `body`; returns status and body of the response.

        Raises OSError when the server cannot be reached; AnswerError and NoAnswerError are OSErrors.
        """
        lines = [
            f"POST {self._path}{path} HTTP/1.1",
            f"Host: {self.where}",
            f"Content-Length: {len(body)}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        request = "\r\n".join([*lines, "", ""]).encode() + body
        while True:
            connection = await self._connect()
            was_used = connection.used
            reusable = False
            try:
                status, answer, reusable = await connection.exchange(request)
            except NoAnswerError:
                if was_used:
                    continue  # the server closed the idle connection as we reused it
                raise
            finally:
                if reusable:
                    self._idle.append(connection)
                else:
                    connection.close()
            return status, answer

    async def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()

    async def _connect(self) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_alive():
                return connection
            connection.close()
        return _Connection(
            *await asyncio.open_connection(self._host, self._port, ssl=self._tls, limit=READ)
        )
