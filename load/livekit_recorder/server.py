"""A LiveKit server API that counts dispatches and launches no jobs.

It implements the server API's Twirp protocol (https://docs.livekit.io/reference/server/server-apis), in
JSON and in protobuf, as far as creating a session needs it: CreateRoom launches its dispatches in a new
room, CreateDispatch launches one in an existing room. It shares the CPU with the measured service, so it
does as little as possible. `POST /taken` returns `{"launched": n}` and resets the count.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Final

import orjson
import uvicorn
from google.protobuf.message import Message
from livekit import api

Event = MutableMapping[str, Any]

JSON: Final = b"application/json"
PROTOBUF: Final = b"application/protobuf"
RESPONSES: Final[dict[str, type[Message]]] = {
    "CreateRoom": api.Room,
    "ListDispatch": api.ListAgentDispatchResponse,
    "CreateDispatch": api.AgentDispatch,
}


class Recorder:
    """The ASGI application. It keeps the metadata of each room's dispatches."""

    def __init__(self) -> None:
        self._rooms: dict[str, list[str]] = {}

    async def __call__(
        self,
        scope: Event,
        receive: Callable[[], Awaitable[Event]],
        send: Callable[[Event], Awaitable[None]],
    ) -> None:
        """Serve one request."""
        body, more = b"", True
        while more:
            event = await receive()
            body += event.get("body", b"")
            more = event.get("more_body", False)
        kind = PROTOBUF if (b"content-type", PROTOBUF) in scope["headers"] else JSON
        status, content = self._serve(scope["path"].rpartition("/")[2], kind, body)
        headers = [(b"content-type", kind), (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _serve(self, method: str, kind: bytes, body: bytes) -> tuple[int, bytes]:
        if method == "taken":
            launched = sum(map(len, self._rooms.values()))
            self._rooms.clear()
            return 200, orjson.dumps({"launched": launched})
        if method not in RESPONSES:
            message = f"the recorder does not implement {method}"
            return 501, orjson.dumps({"code": "unimplemented", "msg": message})
        read = _read_protobuf if kind == PROTOBUF else _read_json
        response = self._respond(method, *read(method, body))
        if kind == PROTOBUF:
            return 200, RESPONSES[method](**response).SerializeToString()
        return 200, orjson.dumps(response)

    def _respond(self, method: str, room: str, metadata: Sequence[str]) -> dict[str, Any]:
        match method:
            case "CreateRoom":
                self._rooms.setdefault(room, list(metadata))
                return {"sid": f"RM_{room}", "name": room}
            case "CreateDispatch":
                self._rooms.setdefault(room, []).extend(metadata)
                return _dispatch(room, *metadata)
            case _:
                dispatches = [_dispatch(room, each) for each in self._rooms.get(room, ())]
                return {"agent_dispatches": dispatches}


def _dispatch(room: str, metadata: str) -> dict[str, str]:
    return {"id": f"AD_{room}", "room": room, "metadata": metadata}


def _read_json(_method: str, body: bytes) -> tuple[str, list[str]]:
    given = orjson.loads(body)
    agents = given.get("agents", [given])
    return given.get("name") or given["room"], [a["metadata"] for a in agents if "metadata" in a]


def _read_protobuf(method: str, body: bytes) -> tuple[str, list[str]]:
    match method:
        case "CreateRoom":
            create = api.CreateRoomRequest.FromString(body)
            return create.name, [agent.metadata for agent in create.agents]
        case "CreateDispatch":
            dispatch = api.CreateAgentDispatchRequest.FromString(body)
            return dispatch.room, [dispatch.metadata]
        case _:
            return api.ListAgentDispatchRequest.FromString(body).room, []


def main() -> None:
    """Print `{"url": ...}`, and serve on a free port of 127.0.0.1 until SIGINT or SIGTERM."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        host, port = listening.getsockname()[:2]
        print(json.dumps({"url": f"http://{host}:{port}"}), flush=True)
        config = uvicorn.Config(
            Recorder(),
            loop="uvloop",
            http="httptools",
            lifespan="off",
            log_config=None,
            access_log=False,
        )
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
