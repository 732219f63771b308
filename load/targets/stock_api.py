"""The few HTTP paths that callers use, for a worker that has no API: create is a room with a dispatch."""

from __future__ import annotations

import os
from typing import Final

from aiohttp import web
from livekit import api

from load.targets.stock import NAME

ROOMS: Final = web.AppKey("rooms", api.LiveKitAPI)


async def _healthy(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def _create(request: web.Request) -> web.Response:
    room = str((await request.json())["roomName"])
    # Named in the room's creation, so that workers without a name are not offered it.
    dispatch = api.RoomAgentDispatch(agent_name=NAME)
    await request.app[ROOMS].room.create_room(api.CreateRoomRequest(name=room, agents=[dispatch]))
    return web.json_response({"session": {"sessionId": room}})


async def _end(request: web.Request) -> web.Response:
    room = request.match_info["session"]
    await request.app[ROOMS].room.delete_room(api.DeleteRoomRequest(room=room))
    return web.json_response({})


async def _connect(app: web.Application) -> None:
    app[ROOMS] = api.LiveKitAPI()  # reads LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET


async def _disconnect(app: web.Application) -> None:
    await app[ROOMS].aclose()


def main() -> None:
    """Serve until SIGTERM."""
    app = web.Application()
    app.on_startup.append(_connect)
    app.on_cleanup.append(_disconnect)
    app.add_routes(
        [
            web.get("/health", _healthy),
            web.post("/api/agents/register", _healthy),
            web.post("/api/sessions/create", _create),
            web.post("/api/sessions/{session}/end", _end),
        ]
    )
    web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]))


if __name__ == "__main__":
    main()
