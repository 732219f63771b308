"""The worker's HTTP port for probes and for Prometheus.

`/` and `/worker` pass on the answers of the agent server, which serves them on a port of the loopback
interface that it chose itself; `/metrics` is the runtime's own.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Final, Self

import aiohttp
from aiohttp import web
from livekit.agents import AgentServer
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from prometheus_client.registry import REGISTRY

from agent_runtime.domain.errors import CannotStart
from agent_runtime.voice.worker.admission import Admission

# Limit of 2 s for the agent server's answer: most probes wait no longer themselves.
REQUEST_TIMEOUT: Final = aiohttp.ClientTimeout(total=2)
LOOPBACK: Final = "127.0.0.1"


class HealthPort:
    """An asynchronous context manager. Raises CannotStart when it cannot listen on the address."""

    def __init__(
        self, server: AgentServer, host: str, port: int, registry: CollectorRegistry
    ) -> None:
        self._server = server
        self._host = host
        self._port = port
        self._registry = registry
        app = web.Application()
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
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise CannotStart.on(
                self._host,
                self._port,
                error,
                what="the worker's port for probes",
                settings="WORKER_HEALTH_HOST and WORKER_HEALTH_PORT",
            ) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening."""
        await self._runner.cleanup()

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
