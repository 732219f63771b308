"""Targets that are not the announced service: each gets a clear message, and none a verdict."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from contract.agent_api.profile import PROFILE
from contract.errors import Inconclusive, TargetMisbehaved, TargetUnreachable, WrongTarget
from contract.http.address import Address
from contract.targets.http_target import HttpTarget
from contract.testbed import preflight
from fixtures.servers.node_service import NodeService

Write = Callable[[asyncio.StreamWriter], None]


@asynccontextmanager
async def answering(write: Write | None) -> AsyncIterator[HttpTarget]:
    """A server that answers every request with what `write` sends; None never answers."""
    release = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1024)
        if write is None:
            await release.wait()
        else:
            write(writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield HttpTarget("bad", Address("127.0.0.1", port), "secret-key", timeout=1.0)
    finally:
        release.set()
        server.close()


def saying(text: bytes) -> Write:
    """Sends this and closes."""
    return lambda writer: writer.write(text)


HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<p/>"
MOVED = b"HTTP/1.1 301 Moved\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n"
LARGE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + b"x" * (9 << 20)
ILL = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@pytest.mark.parametrize(
    ("write", "kind", "words"),
    [
        (saying(HTML), WrongTarget, "not JSON"),
        (saying(MOVED), WrongTarget, "redirects"),
        (saying(ILL), WrongTarget, "healthy"),
        (saying(b""), TargetMisbehaved, "closed the connection"),
        (saying(b"SSH-2.0-OpenSSH\r\n"), TargetMisbehaved, "did not answer in HTTP"),
        (saying(LARGE), TargetMisbehaved, "more than 8 MiB"),
        (None, TargetMisbehaved, "hung"),
    ],
    ids=["html", "redirect", "other json", "close", "not http", "large", "hang"],
)
async def test_strange_targets_are_named(
    write: Write | None, kind: type[Inconclusive], words: str
) -> None:
    """HTML, redirects, closed connections, other protocols, floods and silence are told apart."""
    async with answering(write) as target:
        with pytest.raises(kind, match=words):
            await preflight.check(target, PROFILE)


async def test_nobody_there() -> None:
    """An address where nothing listens is named."""
    async with answering(saying(b"")) as target:
        address = target.address
    with pytest.raises(TargetUnreachable, match=str(address)):
        await preflight.check(HttpTarget("bad", address, "secret-key"), PROFILE)


def test_addresses_must_be_base_urls() -> None:
    """Anything but http and https, with a host, is refused."""
    for url in ("ftp://x", "http://", "http://x:port", "https://u:p@x", "http://x?a"):
        with pytest.raises(TargetUnreachable):
            Address.of(url)


async def test_the_old_side_must_be_the_old_service() -> None:
    """Our own service given twice is found out by what only the old one does."""
    async with answering(saying(ILL)) as target:
        with pytest.raises(WrongTarget, match="given twice"):
            await preflight.check_old(target, PROFILE)


async def test_a_wrong_key_is_told() -> None:
    """A service that refuses the key says so before anything is replayed."""
    with NodeService(api_key="another-key") as service:
        target = HttpTarget("old", Address.of(service.url), "not-the-key")
        with pytest.raises(WrongTarget, match="--key"):
            await preflight.check(target, PROFILE)
