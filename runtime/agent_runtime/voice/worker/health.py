"""The worker's HTTP port for probes and for Prometheus.

`/` and `/worker` pass on the answers of the agent server, which serves them on a port of the loopback
interface that it chose itself; `/metrics` is the runtime's own. On an address that other machines reach,
`/worker` and `/metrics` need the platform's key, or one with the scope prometheus, if there is any key; `/`
never does, since probes send none.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import math
import socket
from collections.abc import Awaitable, Callable
from typing import Final, Self, TypeAlias

import aiohttp
from aiohttp import web
from livekit.agents import AgentServer
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from prometheus_client.registry import REGISTRY

from agent_runtime.application.key_ring import KeyRing
from agent_runtime.domain.access.keys import Scope
from agent_runtime.domain.errors import CannotStart, StoreUnavailable
from agent_runtime.settings.addresses import is_loopback, listening_socket
from agent_runtime.voice.machine.bounded_connections import MAX_CONNECTIONS, BoundedConnections
from agent_runtime.voice.worker.admission import Admission

logger = logging.getLogger(__name__)

# Limit of 2 s for the agent server's answer: most probes wait no longer themselves.
REQUEST_TIMEOUT: Final = aiohttp.ClientTimeout(total=2)
LOOPBACK: Final = "127.0.0.1"

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


class HealthPort:
    """An asynchronous context manager. Raises CannotStart when it cannot listen on the address."""

    def __init__(
        self,
        server: AgentServer,
        host: str,
        port: int,
        registry: CollectorRegistry,
        key: str = "",
        ring: KeyRing | None = None,
    ) -> None:
        self._server = server
        self._host = host
        self._port = port
        self._registry = registry
        self._is_local = is_loopback(host)
        self._key = key.encode()
        self._ring = ring
        self._connections: BoundedConnections | None = None
        self._listening: asyncio.Server | None = None
        app = web.Application(middlewares=[self._guard])
        app.add_routes(
            [
                web.get("/", self._pass_on),
                web.get("/worker", self._pass_on),
                web.get("/metrics", self._metrics),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)

    async def __aenter__(self) -> Self:
        """Listen."""
        try:
            listening = listening_socket(self._host, self._port, MAX_CONNECTIONS)
        except OSError as error:
            raise CannotStart.on(
                self._host,
                self._port,
                error,
                what="the worker's port for probes",
                settings="WORKER_HEALTH_HOST and WORKER_HEALTH_PORT",
            ) from error
        await self._serve_on(listening)
        if not self._key and await self._is_open():
            logger.warning(
                "other machines can read /metrics on %s port %d: AGENT_RUNTIME_API_KEY is not set",
                self._host,
                self._port,
            )
        return self

    async def _serve_on(self, listening: socket.socket) -> None:
        await self._runner.setup()
        server = self._runner.server
        if server is None:
            raise RuntimeError("aiohttp's runner has no server after its setup")
        self._connections = BoundedConnections(server)
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(self._connections, sock=listening)

    async def __aexit__(self, *_: object) -> None:
        """Stop listening."""
        if self._listening is not None:
            self._listening.close()
        await self._runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._connections is not None:
            self._connections.serving(request.protocol)
        response: web.StreamResponse
        try:
            is_allowed = await self._is_allowed(request)
        except StoreUnavailable:
            response = web.Response(
                status=503, text="the key cannot be checked: the database is not available"
            )
        else:
            if is_allowed:
                response = await handler(request)
            else:
                text = (
                    "this path needs AGENT_RUNTIME_API_KEY, or a key with the scope prometheus, as "
                )
                text += "`Authorization: Bearer <key>`"
                headers = {"WWW-Authenticate": "Bearer"}
                response = web.Response(status=401, text=text, headers=headers)
        response.force_close()
        return response

    async def _is_allowed(self, request: web.Request) -> bool:
        if self._is_local or request.path == "/":
            return True
        text = request.headers.get("Authorization", "").removeprefix("Bearer ")
        given = text.encode("utf-8", "surrogateescape")
        if self._key and hmac.compare_digest(given, self._key):
            return True
        found = None if self._ring is None else await self._ring.find(text)
        if found is not None:
            return Scope.PROMETHEUS in found.access.scopes
        return not self._key and not await self._needs_stored_key()

    async def _needs_stored_key(self) -> bool:
        return self._ring is not None and not await self._ring.is_empty()

    async def _is_open(self) -> bool:
        """Whether other machines need no key; no while the database cannot tell."""
        try:
            return not self._is_local and not await self._needs_stored_key()
        except StoreUnavailable:
            return False

    async def _pass_on(self, request: web.Request) -> web.Response:
        try:
            port = self._server.worker_info.http_port
            url = f"http://{LOOPBACK}:{port}{request.path}"
            async with (
                aiohttp.ClientSession(timeout=REQUEST_TIMEOUT) as http,
                http.get(url) as answer,
            ):
                return web.Response(
                    status=answer.status,
                    body=await answer.read(),
                    content_type=answer.content_type,
                )
        except (AttributeError, aiohttp.ClientError, TimeoutError) as error:
            return web.Response(status=503, text=f"the worker has not started: {error}")

    async def _metrics(self, _request: web.Request) -> web.Response:
        body = await asyncio.to_thread(self._exposition)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    def _exposition(self) -> bytes:
        """Return the runtime's metrics, then those of LiveKit's framework and of the process."""
        return generate_latest(self._registry) + generate_latest(REGISTRY)


def register_gauges(admission: Admission, registry: CollectorRegistry) -> None:
    """Register the worker's own gauges, which read `admission` at each scrape."""

    def gauge(name: str, text: str, read: Callable[[], float]) -> None:
        Gauge(f"agent_runtime_{name}", text, registry=registry).set_function(read)

    gauge("calls", "Calls that this worker holds.", lambda: len(admission.jobs))
    gauge("free_places", "Further calls that it would accept now.", lambda: admission.free_calls)
    gauge(
        "cpu_pressure_percent",
        "Share of the last three seconds in which a task waited for a CPU.",
        lambda: math.nan if admission.pressure.cpu is None else admission.pressure.cpu,
    )
    gauge(
        "livekit_reachable", "1 while LiveKit answers, else 0.", lambda: admission.livekit_reachable
    )
    gauge("loop_lag_seconds", "How late the event loop is.", lambda: admission.pressure.lag)
