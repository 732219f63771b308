"""A TCP server for tests that answers with exact bytes and keeps the bytes that it received."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from contract.http.address import Address


@dataclass
class RawServer:
    """The server's address, and the bytes of each connection in order."""

    address: Address
    received: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def raw_server(*pieces: bytes, delay: float = 0.0) -> AsyncIterator[RawServer]:
    """Serve: read up to a quiet moment, then send the pieces, `delay` seconds apart, and close."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.received.append(await _until_quiet(reader))
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(delay)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    found = RawServer(Address("127.0.0.1", server.sockets[0].getsockname()[1]))
    try:
        yield found
    finally:
        server.close()


async def _until_quiet(reader: asyncio.StreamReader) -> bytes:
    data = b""
    try:
        while piece := await asyncio.wait_for(reader.read(65_536), 0.05):
            data += piece
    except TimeoutError:
        pass
    return data
