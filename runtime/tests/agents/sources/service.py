"""A configuration service of the platform, as a real HTTP server that can fail in every way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web


class Service:
    """Serves `GET /api/agents/{id}/config` to the key `secret`, and records the requests."""

    def __init__(self) -> None:
        self.documents: dict[int, Any] = {}
        self.etag: str | None = None
        # What the next requests get instead of an answer, in their order.
        self.faults: list[str] = []
        self.requests: list[web.Request] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer as a service does, unless a fault is due."""
        self.requests.append(request)
        if self.faults:
            return await self._fail(self.faults.pop(0), request)
        if request.headers.get("Authorization") != "Bearer secret":
            return web.Response(status=401)
        document = self.documents.get(int(request.match_info["id"]))
        if document is None:
            return web.Response(status=404)
        if self.etag and request.headers.get("If-None-Match") == self.etag:
            return web.Response(status=304)
        return web.json_response(document, headers={"ETag": self.etag} if self.etag else {})

    async def _fail(self, fault: str, request: web.Request) -> web.StreamResponse:
        if fault == "slow":
            await asyncio.sleep(60)
        if fault == "cut":
            assert request.transport is not None
            request.transport.close()
        if fault == "garbage":
            return web.Response(text="<html>")
        if fault == "list":
            return web.json_response([])
        if fault == "large":
            return web.Response(body=b'{"a":"' + b"x" * 2**21 + b'"}')
        if fault == "invalid":
            return web.json_response({"temperature": 9, "sttProvider": "nobody"})
        if fault == "redirect":
            return web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"})
        return web.Response(status=int(fault) if fault.isdigit() else 500)


@asynccontextmanager
async def served(service: Service) -> AsyncIterator[Service]:
    """The service on a port of this machine."""
    app = web.Application()
    app.router.add_get("/api/agents/{id}/config", service.answer)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    service.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield service
    finally:
        await runner.cleanup()
