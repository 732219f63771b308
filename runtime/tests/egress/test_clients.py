"""The clients judge the address that they connect to, whatever DNS said before, and follow nothing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import httpx2
import pytest

from agent_runtime.egress import httpx_client
from agent_runtime.egress.aiohttp_session import guarded_session
from agent_runtime.egress.httpx_client import GuardedTransport
from agent_runtime.egress.policy import EgressPolicy, Guard
from agent_runtime.egress.urls import read

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Fetch = Callable[[Guard, str], Awaitable[str]]


@dataclass
class Server:
    """A server on the loopback that counts connections and gives one answer to each."""

    answer: bytes = OK
    port: int = 0
    connections: int = 0
    received: bytearray = field(default_factory=bytearray)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the first request of a connection."""
        self.connections += 1
        self.received += await reader.readuntil(b"\r\n\r\n")
        writer.write(self.answer)
        await writer.drain()
        writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """The server, listening."""
    made = Server()
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    yield made
    listening.close()


class Dns:
    """Answers getaddrinfo from a list, one entry a lookup; the last one stays."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
        self.answers = list(answers)
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", self.lookup)

    async def lookup(self, _host: str, port: int, **_: Any) -> list[Any]:
        """The next answer; several addresses are separated by blanks."""
        text = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            (
                socket.AF_INET6 if ":" in one else socket.AF_INET,
                socket.SOCK_STREAM,
                socket.IPPROTO_TCP,
                "",
                (one, port, 0, 0) if ":" in one else (one, port),
            )
            for one in text.split()
        ]


async def by_aiohttp(guard: Guard, url: str) -> str:
    """GET with the guarded session."""
    async with guarded_session(guard) as session, session.get(url) as response:
        return await response.text()


async def by_websocket(guard: Guard, url: str) -> str:
    """Open a WebSocket with the guarded session."""
    async with guarded_session(guard) as session, session.ws_connect(url):
        return "open"


async def by_httpx(guard: Guard, url: str) -> str:
    """GET with the guarded transport."""
    transport = GuardedTransport(guard, httpx2.Limits())
    async with httpx2.AsyncClient(transport=transport, trust_env=False, timeout=3) as client:
        return (await client.get(url)).text


FAILURES = (aiohttp.ClientError, httpx2.TransportError)
CLIENTS = pytest.mark.parametrize("fetch", [by_aiohttp, by_websocket, by_httpx])
TEXT_CLIENTS = pytest.mark.parametrize("fetch", [by_aiohttp, by_httpx])


def guard_of(url: str, allow: str = "") -> Guard:
    """The guard of this URL."""
    return Guard(read(url), EgressPolicy.of(allow))


@CLIENTS
@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "localhost.", "LocalHost"]
)
async def test_no_name_of_the_loopback_is_connected_to(
    server: Server, fetch: Fetch, host: str
) -> None:
    """A client refuses to connect to this machine under any name, though nothing was checked before."""
    url = f"http://{host}:{server.port}"
    with pytest.raises(FAILURES):
        await fetch(guard_of(url), read(url).url)
    assert server.connections == 0


@CLIENTS
async def test_a_dns_answer_that_changes_is_judged_at_each_connection(
    server: Server, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that was public when it was looked up first is refused once it stands for this machine."""
    url = f"http://rebinding.example:{server.port}"
    Dns(monkeypatch, "127.0.0.1", "::ffff:127.0.0.1", "169.254.169.254", "64:ff9b::7f00:1")
    for _ in range(4):
        with pytest.raises(FAILURES):
            await fetch(guard_of(url), url)
    assert server.connections == 0


@TEXT_CLIENTS
async def test_of_several_addresses_only_the_permitted_ones_are_tried(
    server: Server, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name with a refused and a permitted address is called at the permitted one."""
    url = f"http://127.0.0.1:{server.port}".replace("127.0.0.1", "two.example")
    Dns(monkeypatch, "169.254.169.254 127.0.0.1")
    assert await fetch(guard_of(url, "127.0.0.0/8"), url) == "ok"
    assert server.connections == 1


@TEXT_CLIENTS
@pytest.mark.parametrize("allow", ["http://named.example", "127.0.0.0/8"])
async def test_what_the_operator_permits_is_called(
    server: Server, fetch: Fetch, monkeypatch: pytest.MonkeyPatch, allow: str
) -> None:
    """A named host, or a name that stands for an address of a named network, answers."""
    url = f"http://named.example:{server.port}"
    Dns(monkeypatch, "127.0.0.1")
    assert await fetch(guard_of(url, allow), url) == "ok"


@CLIENTS
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(server: Server, fetch: Fetch, status: int) -> None:
    """A redirect is a failure, and its address is not called, though it is permitted."""
    place = f"http://127.0.0.1:{server.port}/other"
    server.answer = (
        f"HTTP/1.1 {status} X\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n".encode()
    )
    url = f"http://127.0.0.1:{server.port}"
    with pytest.raises(FAILURES):
        await fetch(guard_of(url, "127.0.0.1"), url)
    assert server.connections == 1


@CLIENTS
async def test_proxies_and_logins_of_the_environment_are_not_used(
    server: Server, fetch: Fetch, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """HTTP_PROXY, ALL_PROXY and .netrc have no effect on a guarded client."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login u password s3cret")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{server.port}")
    with pytest.raises(FAILURES):
        await fetch(guard_of("http://127.0.0.1:1", "127.0.0.1"), "http://127.0.0.1:1")
    assert server.connections == 0
    try:
        await fetch(
            guard_of(f"http://127.0.0.1:{server.port}", "127.0.0.1"),
            f"http://127.0.0.1:{server.port}",
        )
    except aiohttp.WSServerHandshakeError:
        assert fetch is by_websocket
    assert b"authorization" not in bytes(server.received).lower()


@CLIENTS
async def test_a_client_calls_no_other_host(server: Server, fetch: Fetch) -> None:
    """A URL of another host than the guard's is refused, though the policy permits it."""
    with pytest.raises(FAILURES):
        await fetch(
            guard_of("http://x.example", "127.0.0.1, x.example"), f"http://127.0.0.1:{server.port}"
        )
    assert server.connections == 0


@TEXT_CLIENTS
async def test_a_large_response_is_refused(
    server: Server, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A response beyond the bound fails instead of filling the memory."""
    monkeypatch.setattr(httpx_client, "LARGEST_RESPONSE", 10)
    server.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 99000000\r\n\r\n" + bytes(1000)
    url = f"http://127.0.0.1:{server.port}"
    with pytest.raises(FAILURES):
        await fetch(guard_of(url, "127.0.0.1"), url)


async def test_a_response_compressed_unasked_is_refused(server: Server) -> None:
    """The language model's client refuses compression: a small body may hold a huge one."""
    server.answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok"
    url = f"http://127.0.0.1:{server.port}"
    with pytest.raises(httpx2.RemoteProtocolError):
        await by_httpx(guard_of(url, "127.0.0.1"), url)
    assert b"identity" in server.received


async def test_a_response_that_never_ends_is_cut(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body that drips in time with the read timeout ends at the bound of the whole response."""
    monkeypatch.setattr(httpx_client, "LONGEST_RESPONSE", -1.0)
    url = f"http://127.0.0.1:{server.port}"
    with pytest.raises(httpx2.ReadTimeout):
        await by_httpx(guard_of(url, "127.0.0.1"), url)
