"""POST over kept connections: asyncio's streams, and httptools to read the answers.

The LiveKit client that the field uses brings aiohttp and protobuf: 15 MB and a third of a second of
blocked event loop at the first session, in a process that needs four small requests. This is HTTP/1.1
(RFC 9112) as far as those need it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import Final
from urllib.parse import urlsplit

import httptools

from agent_runtime.domain.errors import LiveKitUnavailable

READ: Final = 64 * 1024
MAX_ANSWER: Final = 4 * 1024 * 1024  # bytes; beyond that it is no answer of a server we know
SECURE: Final = ("https", "wss")


class AnswerError(LiveKitUnavailable, ConnectionError):
    """Raised when the answer is not HTTP, too large, or was cut off."""


class NoAnswerError(LiveKitUnavailable, ConnectionError):
    """Raised when the connection closed before the first byte of the answer."""


class _Answer:
    """What the parser has found so far."""

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
        self.keeps_connection = self.parser.should_keep_alive()  # known in this callback alone


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.used = False

    def is_alive(self) -> bool:
        return not (self._reader.at_eof() or self._writer.is_closing())

    def close(self) -> None:
        self._writer.close()

    async def ask(self, request: bytes) -> tuple[int, bytes, bool]:
        """Status, body, and whether the connection may be used again."""
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
    """Asks one server. As many connections as requests run at once; idle ones are kept."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        secure = parts.scheme in SECURE
        # Made once: reading all certificate authorities takes the loop 10 to 40 ms.
        self._tls = ssl.create_default_context() if secure else None
        self._port = parts.port or (443 if secure else 80)
        self._path = parts.path.rstrip("/")
        self._idle: deque[_Connection] = deque()
        self.where = parts.netloc.rpartition("@")[2]

    async def post(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer. Raises OSError when the server cannot be reached."""
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
                status, answer, reusable = await connection.ask(request)
            except NoAnswerError:
                if was_used:
                    continue  # the server gave the idle connection up while we were asking
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
