"""The worker's port for probes and for Prometheus.

`/` and `/worker` are the agent server's own answers, which serves them on a port of the loopback interface
that it chose; `/metrics` is ours.
"""

from __future__ import annotations

import asyncio
from typing import Final, Self

import aiohttp
from aiohttp import web
from livekit.agents import AgentServer
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.registry import REGISTRY

from agent_runtime.domain.errors import CannotStart

PATIENCE: Final = aiohttp.ClientTimeout(total=2)
LOOPBACK: Final = "127.0.0.1"


class HealthPort:
    """An asynchronous context manager. Raises CannotBegin when the address is taken or not ours."""

    def __init__(self, server: AgentServer, host: str, port: int, ours: CollectorRegistry) -> None:
        self._server = server
        self._host = host
        self._port = port
        self._ours = ours
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
        """Stop."""
        await self._runner.cleanup()

    async def _pass_on(self, request: web.Request) -> web.Response:
        try:
            port = self._server.worker_info.http_port
            url = f"http://{LOOPBACK}:{port}{request.path}"
            async with aiohttp.ClientSession(timeout=PATIENCE) as http, http.get(url) as answer:
                return web.Response(
                    status=answer.status,
                    body=await answer.read(),
                    content_type=answer.content_type,
                )
        except (AttributeError, aiohttp.ClientError, TimeoutError) as error:
            return web.Response(status=503, text=f"the worker has not started: {error}")

    async def _metrics(self, _request: web.Request) -> web.Response:
        body = await asyncio.to_thread(self._rendered)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    def _rendered(self) -> bytes:
        """Ours, then the framework's and the process's."""
        return generate_latest(self._ours) + generate_latest(REGISTRY)
