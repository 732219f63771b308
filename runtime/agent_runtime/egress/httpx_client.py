"""What makes an httpx2 client call one guarded target only: for the clients of language models."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterable
from typing import Final

import httpcore2
import httpx2

from agent_runtime.egress.policy import AddressRefusedError, Guard
from agent_runtime.egress.tls import authorities

# Seconds that a response may take as a whole, and its bytes: the longest spoken answer is far below.
LONGEST_RESPONSE: Final = 120.0
LARGEST_RESPONSE: Final = 16 * 2**20

_SocketOption = (
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
)


class GuardedTransport(httpx2.AsyncHTTPTransport):
    """Connects to `guard.target` at addresses that its policy permits; refuses redirects and proxies.

    Give it to a client with `trust_env=False`, so that no proxy or .netrc of the environment is used.
    """

    def __init__(self, guard: Guard, limits: httpx2.Limits) -> None:
        super().__init__(verify=authorities(), trust_env=False, limits=limits)
        # The transport has no parameter for it, and nothing of the first pool was used.
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=authorities(),
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=_GuardedNetwork(guard),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request. Compressed responses are refused: their size is known when it is too late."""
        request.headers["accept-encoding"] = "identity"
        response = await super().handle_async_request(request)
        encoding = response.headers.get("content-encoding", "identity")
        if response.has_redirect_location or encoding.lower() != "identity":
            await response.aclose()
            raise httpx2.RemoteProtocolError(
                "redirects are not followed"
                if response.has_redirect_location
                else "the response is compressed, which was not asked for",
                request=request,
            )
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _BoundedStream(response.stream)
        return response


class _GuardedNetwork(httpcore2.AsyncNetworkBackend):
    """Resolves the name and connects to the addresses that it judged: DNS cannot change between."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[_SocketOption] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Try the permitted addresses in DNS's order. Raises httpcore2.ConnectError or ConnectTimeout."""
        end = None if timeout is None else time.monotonic() + timeout
        failure: Exception | None = None
        for address in await self._permitted(host, port, timeout):
            left = None if end is None else max(end - time.monotonic(), 0.01)
            try:
                return await self._network.connect_tcp(
                    address, port, left, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore2.ConnectError(f"{host} has no address")

    async def sleep(self, seconds: float) -> None:
        """Pause between two attempts."""
        await asyncio.sleep(seconds)

    async def _permitted(self, host: str, port: int, timeout: float | None) -> list[str]:
        try:
            self._guard.require_origin(host, port)
            async with asyncio.timeout(timeout):
                found = await asyncio.get_running_loop().getaddrinfo(
                    host, port, type=socket.SOCK_STREAM
                )
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout(f"DNS did not answer for {host}") from error
        except OSError as error:
            raise httpcore2.ConnectError(str(error)) from error
        permitted: list[str] = []
        refusal: AddressRefusedError | None = None
        for *_, address in found:
            try:
                self._guard.require(str(address[0]))
            except AddressRefusedError as error:
                refusal = error
            else:
                permitted.append(str(address[0]))
        if refusal is not None and not permitted:
            raise httpcore2.ConnectError(str(refusal)) from refusal
        return permitted


class _BoundedStream(httpx2.AsyncByteStream):
    """A response's body, bounded in bytes and time."""

    def __init__(self, inner: httpx2.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        end, size = time.monotonic() + LONGEST_RESPONSE, 0
        async for chunk in self._inner:
            size += len(chunk)
            if size > LARGEST_RESPONSE:
                raise httpx2.ReadError(f"the response is larger than {LARGEST_RESPONSE} bytes")
            if time.monotonic() > end:
                raise httpx2.ReadTimeout(f"the response took longer than {LONGEST_RESPONSE:g} s")
            yield chunk

    async def aclose(self) -> None:
        """Close the connection's side of it."""
        await self._inner.aclose()
