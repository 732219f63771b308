"""Serves the HTTP paths that callers use, for a target without an API."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from aiohttp import web


class Rooms(Protocol):
    """Brings the target's agent into rooms, and ends its calls."""

    async def create(self, room: str) -> None:
        """Bring the agent into the room."""

    async def end(self, room: str) -> None:
        """End the agent's call; a call that has already ended is no error."""


OpenRooms = Callable[[], AbstractAsyncContextManager[Rooms]]


def serve(open_rooms: OpenRooms) -> None:
    """Serve on 127.0.0.1:$PORT until SIGTERM."""
    web.run_app(application(open_rooms), host="127.0.0.1", port=int(os.environ["PORT"]))


def application(open_rooms: OpenRooms) -> web.Application:
    """The application. Session ids are room names; registering an agent has no effect."""
    rooms: web.AppKey[Rooms] = web.AppKey("rooms")

    async def healthy(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def create(request: web.Request) -> web.Response:
        room = str((await request.json())["roomName"])
        await request.app[rooms].create(room)
        return web.json_response({"session": {"sessionId": room}})

    async def end(request: web.Request) -> web.Response:
        await request.app[rooms].end(request.match_info["session"])
        return web.json_response({})

    async def lifetime(app: web.Application) -> AsyncIterator[None]:
        async with open_rooms() as app[rooms]:
            yield

    app = web.Application()
    app.cleanup_ctx.append(lifetime)
    app.add_routes(
        [
            web.get("/health", healthy),
            web.post("/api/agents/register", healthy),
            web.post("/api/sessions/create", create),
            web.post("/api/sessions/{session}/end", end),
        ]
    )
    return app
