"""A client that sends bytes as they are, in pieces, and reads every answer that comes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

# Seconds for an answer that is expected.
PATIENCE: Final = 5.0
HEALTH: Final = b"GET /health HTTP/1.1\r\nHost: api\r\n\r\n"


class RawClient:
    """One connection to 127.0.0.1:`port`.

    It reads all the time, so that no answer is lost when the server closes while the client sends.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._received = asyncio.StreamReader()
        self._reading = asyncio.create_task(self._read(reader))

    @classmethod
    async def connect(cls, port: int) -> RawClient:
        """A new connection."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def send(self, pieces: Sequence[bytes]) -> None:
        """Send the pieces, each in a segment of its own."""
        with suppress(ConnectionError):
            for piece in pieces:
                self._writer.write(piece)
                await self._writer.drain()
                # The server runs on this loop: two rounds, and it has read the piece.
                await asyncio.sleep(0)
                await asyncio.sleep(0)

    async def answer(self, *, to_head: bool = False) -> int:
        """The status of the next answer; an error must be JSON without a stack trace."""
        head = await asyncio.wait_for(self._received.readuntil(b"\r\n\r\n"), PATIENCE)
        status = int(head.split(b" ", 2)[1])
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:") and not to_head:
                length = int(line.partition(b":")[2])
        body = await asyncio.wait_for(self._received.readexactly(length), PATIENCE)
        if status >= 400 and not to_head and b"server: nginx" not in head.lower():
            assert list(json.loads(body)) == ["error"]
            assert b"Traceback" not in body
        return status

    async def end(self) -> bytes:
        """Everything until the server closes the connection; TimeoutError when it does not."""
        return await asyncio.wait_for(self._received.read(-1), PATIENCE)

    async def close(self) -> None:
        """Close the connection."""
        self._writer.close()
        self._reading.cancel()
        await asyncio.wait([self._reading])

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                self._received.feed_data(data)
        self._received.feed_eof()
