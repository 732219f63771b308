"""An aiohttp session that calls one guarded target: for plugins that take a session, later for webhooks."""

from __future__ import annotations

import asyncio
import socket
from typing import Final

import aiohttp
from aiohttp.client_middlewares import ClientHandlerType

from agent_runtime.egress.policy import Guard
from agent_runtime.egress.tls import authorities

# Seconds of one request, and of its connection. A WebSocket counts only until it is open.
LONGEST_REQUEST: Final = 120.0
LONGEST_CONNECT: Final = 5.0
# Bytes of a whole response: a minute of uncompressed speech has 3 MB. aiohttp itself bounds a WebSocket's
# message at 4 MB.
LARGEST_RESPONSE: Final = 32 * 2**20
# Seconds that an unused connection is kept: callers think between two answers.
KEEP_ALIVE: Final = 120.0


def guarded_session(guard: Guard) -> aiohttp.ClientSession:
    """A session that calls `guard.target` only, at addresses that its policy permits.

    It follows no redirects, uses no proxy, and keeps no cookies. Refusals are aiohttp.ClientError, as when
    a server cannot be reached. Call it while an event loop runs; whoever makes the session closes it.
    """

    def make_socket(
        info: tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]],
    ) -> socket.socket:
        family, kind, protocol, _, address = info
        guard.require(address[0])
        return socket.socket(family, kind, protocol)

    async def check(
        request: aiohttp.ClientRequest, handler: ClientHandlerType
    ) -> aiohttp.ClientResponse:
        try:
            guard.require_origin(request.url.raw_host or "", request.url.port)
        except OSError as error:
            raise aiohttp.ClientConnectionError(str(error)) from error
        response = await handler(request)
        if 300 <= response.status < 400:
            response.close()
            raise _refused(response, "redirects are not followed")
        if (response.content_length or 0) > LARGEST_RESPONSE:
            response.close()
            raise _refused(response, f"the response is larger than {LARGEST_RESPONSE} bytes")
        return response

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            ssl=authorities(), keepalive_timeout=KEEP_ALIVE, socket_factory=make_socket
        ),
        timeout=aiohttp.ClientTimeout(total=LONGEST_REQUEST, sock_connect=LONGEST_CONNECT),
        cookie_jar=aiohttp.DummyCookieJar(loop=asyncio.get_running_loop()),
        trust_env=False,
        middlewares=(check,),
    )


def _refused(response: aiohttp.ClientResponse, message: str) -> aiohttp.ClientResponseError:
    return aiohttp.ClientResponseError(
        response.request_info, (), status=response.status, message=message
    )
