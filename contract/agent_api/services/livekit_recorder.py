"""A stand-in for the LiveKit server that records the calls of a service.

It speaks the Twirp protocol of LiveKit's server API (https://docs.livekit.io/reference/server/server-apis)
and follows livekit-server where it matters here: a new room launches the dispatches of its CreateRoom,
an existing room does not; no participant ever joins.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiohttp import web
from google.protobuf.json_format import MessageToDict, MessageToJson, Parse
from google.protobuf.message import Message
from livekit import api

from contract.http.messages import Effect

_PROTOBUF = "application/protobuf"
_JSON = "application/json"
_AnyMessage = TypeVar("_AnyMessage", bound=Message)


@dataclass
class LiveKitRecorder:
    """Listens on a free port of 127.0.0.1.

    Side effects are Launch {room, agentName, metadata}, DeleteDispatch {room, metadata},
    RemoveParticipant {room, identity} and DeleteRoom {room}; lookups are none.
    """

    port: int = 0
    _dispatches: dict[str, list[api.AgentDispatch]] = field(default_factory=dict)
    _taken: list[Effect] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The value for LIVEKIT_URL."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen; after `stop` on the same port again."""
        app = web.Application()
        app.router.add_post("/twirp/livekit.{service}/{method}", self._serve)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close: LiveKit is unreachable."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def take(self) -> tuple[Effect, ...]:
        """The effects since the last `take`, sorted by their content: their order is chance."""
        taken, self._taken = self._taken, []
        return tuple(sorted(taken, key=lambda effect: (effect.call, effect.body)))

    def forget(self) -> None:
        """Return to a fresh server without rooms and effects."""
        self._dispatches.clear()
        self._taken.clear()

    async def _serve(self, request: web.Request) -> web.Response:
        body = await request.read()
        answer = self._handle(request, body)
        if isinstance(answer, web.Response):
            return answer
        if request.content_type == _JSON:
            text = MessageToJson(answer, preserving_proto_field_name=True)
            return web.Response(text=text, content_type=_JSON)
        return web.Response(body=answer.SerializeToString(), content_type=_PROTOBUF)

    def _handle(self, request: web.Request, body: bytes) -> Message | web.Response:
        match request.match_info["method"]:
            case "CreateRoom":
                return self._create_room(_read(api.CreateRoomRequest(), request, body))
            case "ListRooms":
                names = _read(api.ListRoomsRequest(), request, body).names
                rooms = [api.Room(name=n) for n in self._dispatches if not names or n in names]
                return api.ListRoomsResponse(rooms=rooms)
            case "ListDispatch":
                asked = _read(api.ListAgentDispatchRequest(), request, body)
                found = self._dispatches.get(asked.room, [])
                return api.ListAgentDispatchResponse(agent_dispatches=found)
            case "CreateDispatch":
                wanted = _read(api.CreateAgentDispatchRequest(), request, body)
                return self._launch(wanted.room, wanted.agent_name, wanted.metadata)
            case "DeleteDispatch":
                return self._delete(_read(api.DeleteAgentDispatchRequest(), request, body))
            case "RemoveParticipant":
                identity = _read(api.RoomParticipantIdentity(), request, body)
                self._keep("RemoveParticipant", MessageToDict(identity))
                return _refusal("not_found", "participant does not exist")
            case "ListParticipants":
                return api.ListParticipantsResponse()
            case "DeleteRoom":
                room = _read(api.DeleteRoomRequest(), request, body).room
                self._dispatches.pop(room, None)
                self._keep("DeleteRoom", {"room": room})
                return api.DeleteRoomResponse()
            case method:
                self._keep(method, {})
                return _refusal("unimplemented", f"{method} is not known here")

    def _create_room(self, asked: api.CreateRoomRequest) -> Message:
        if asked.name not in self._dispatches:
            self._dispatches[asked.name] = []
            for agent in asked.agents:
                self._launch(asked.name, agent.agent_name, agent.metadata)
        return api.Room(name=asked.name, sid=f"RM_{len(self._dispatches)}")

    def _launch(self, room: str, agent_name: str, metadata: str) -> api.AgentDispatch:
        of_room = self._dispatches.setdefault(room, [])
        dispatch = api.AgentDispatch(
            id=f"AD_{next(self._numbers)}", agent_name=agent_name, room=room, metadata=metadata
        )
        of_room.append(dispatch)
        launch = {"room": room, "agentName": agent_name, "metadata": json.loads(metadata or "null")}
        self._keep("Launch", launch)
        return dispatch

    def _delete(self, asked: api.DeleteAgentDispatchRequest) -> Message | web.Response:
        of_room = self._dispatches.get(asked.room, [])
        for dispatch in of_room:
            if dispatch.id == asked.dispatch_id:
                of_room.remove(dispatch)
                metadata = json.loads(dispatch.metadata or "null")
                self._keep("DeleteDispatch", {"room": asked.room, "metadata": metadata})
                return dispatch
        return _refusal("not_found", "dispatch does not exist")

    def _keep(self, call: str, body: Mapping[str, Any]) -> None:
        text = json.dumps(body, ensure_ascii=False, sort_keys=True)
        self._taken.append(Effect(call, text))


def _read(message: _AnyMessage, request: web.Request, body: bytes) -> _AnyMessage:
    """A Twirp request in either form, by its content type."""
    if request.content_type == _JSON:
        Parse(body, message)
    else:
        message.ParseFromString(body)
    return message


def _refusal(code: str, words: str) -> web.Response:
    return web.json_response({"code": code, "msg": words}, status=404)
