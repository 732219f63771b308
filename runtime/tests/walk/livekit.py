"""A LiveKit server as sessions see it; its dispatches and webhooks may be lost, late or doubled."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from agent_runtime.domain.errors import LiveKitUnavailable
from agent_runtime.livekit_api.twirp import NotThereError

from .processes import START, Process

if TYPE_CHECKING:
    from .jobs import Job
    from .workers import Worker
    from .world import World

# Seconds after which a room is closed that its participants have left.
DEPARTURE_TIMEOUT = 20.0
# Seconds after which a room is closed that nobody has joined.
EMPTY_TIMEOUT = 300.0
# Seconds that a worker has to answer an offer; afterwards the job is offered to no other worker.
OFFER_TIMEOUT = 10.0
# Most seconds by which a dispatch may be late.
MAX_DELAY = 6.0


class Call(Protocol):
    """A call to LiveKit's server API."""

    async def __call__(
        self, method: str, request: Mapping[str, Any], *, room: str | None = None
    ) -> dict[str, Any]:
        """The response."""


@dataclass
class Dispatch:
    """A dispatch of an agent, and the jobs that came from it."""

    key: str
    metadata: str
    jobs: list[Job] = field(default_factory=list)
    deleted: bool = False

    @property
    def number(self) -> int:
        """The number of this dispatch within its session."""
        number: int = json.loads(self.metadata or "{}").get("dispatchNumber", 1)
        return number


@dataclass
class Room:
    """A room and its participants. A room that is created again after its deletion is another one."""

    name: str
    created_at: float
    callers: set[str] = field(default_factory=set)
    joined_at: dict[str, float] = field(default_factory=dict)
    agents: dict[str, Job] = field(default_factory=dict)
    dispatches: dict[str, Dispatch] = field(default_factory=dict)
    visits: int = 0


class LiveKit:
    """One server. The shares of lost, late and doubled dispatches can be set."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.rooms: dict[str, Room] = {}
        self.caller_seen: dict[str, float] = {}
        self.lost_share = self.late_share = self.doubled_share = 0.0
        self.is_unavailable = False
        self.hangs = 0.0  # seconds that a call takes to fail while the server is unavailable
        self._numbers = itertools.count(1)

    # Callers and jobs

    def enter(self, name: str, caller: str) -> None:
        """A caller joins; a new room gets the automatic dispatch."""
        room = self.rooms.get(name)
        if room is None:
            room = self._create(name)
            self._launch(room, "")
        room.callers.add(caller)
        room.joined_at[caller] = self._now
        room.visits += 1
        self._send_webhook("participant_joined", room)

    def leave(self, name: str, caller: str) -> None:
        """A caller leaves."""
        room = self.rooms.get(name)
        if room is not None and caller in room.callers:
            self.caller_seen[name] = self._now
            room.callers.discard(caller)
            self._left(room)

    def enter_job(self, name: str, job: Job) -> Room:
        """An agent joins; one with the same identity is disconnected as a duplicate."""
        room = self.rooms.get(name) or self._create(name)
        double = room.agents.get(job.identity)
        room.agents[job.identity] = job
        room.visits += 1
        if double is not None:
            double.disconnected("duplicate_identity")
        self._send_webhook("participant_joined", room)
        return room

    def leave_job(self, room: Room, job: Job) -> None:
        """An agent leaves, or its connection breaks."""
        if room.agents.get(job.identity) is job:
            del room.agents[job.identity]
            self._left(room)

    def delete(self, name: str) -> None:
        """Delete a room, which disconnects all participants."""
        room = self.rooms.pop(name, None)
        if room is None:
            return
        if room.callers:
            self.caller_seen[name] = self._now
        room.callers.clear()
        for job in room.agents.values():
            job.disconnected("room_deleted")
        for dispatch in room.dispatches.values():
            dispatch.deleted = True
        room.agents.clear()
        self._send_webhook("room_finished", room)

    # The server API

    def api_for(self, process: Process) -> Call:
        """The server API as a process calls it: a call takes time, and fails during an outage."""

        async def call(
            method: str, request: Mapping[str, Any], *, room: str | None = None
        ) -> dict[str, Any]:
            del room  # the room that the token is for
            what = method.partition("/")[2]
            await process.step(0.1, doing=f"before {what}")
            if self.is_unavailable:
                await asyncio.sleep(self.hangs)
                raise LiveKitUnavailable("LiveKit is unavailable")
            answer = self._methods[method](request)
            await process.step(doing=f"after {what}")
            return answer

        return call

    @property
    def _methods(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {
            "RoomService/CreateRoom": self._create_room,
            "RoomService/ListRooms": self._list_rooms,
            "RoomService/DeleteRoom": self._delete_room,
            "RoomService/ListParticipants": self._list_participants,
            "RoomService/RemoveParticipant": self._remove_participant,
            "AgentDispatchService/ListDispatch": self._list_dispatch,
            "AgentDispatchService/CreateDispatch": self._create_dispatch,
            "AgentDispatchService/DeleteDispatch": self._delete_dispatch,
        }

    def _create_room(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if request["name"] not in self.rooms:
            room = self._create(request["name"])
            for agent in request["agents"]:
                self._launch(room, agent["metadata"])
        return {}

    def _list_rooms(self, request: Mapping[str, Any]) -> dict[str, Any]:
        names = request.get("names") or list(self.rooms)
        return {
            "rooms": [
                {
                    "name": name,
                    "creation_time": str(int(START.timestamp() + self.rooms[name].created_at)),
                    "num_participants": len(self.rooms[name].callers)
                    + len(self.rooms[name].agents),
                }
                for name in names
                if name in self.rooms
            ]
        }

    def _delete_room(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self._room(request)
        self.delete(request["room"])
        return {}

    def _list_participants(self, request: Mapping[str, Any]) -> dict[str, Any]:
        room = self._room(request)
        callers = [
            {
                "identity": name,
                "kind": "STANDARD",
                "joined_at_ms": str(int((START.timestamp() + room.joined_at[name]) * 1000)),
            }
            for name in sorted(room.callers)
        ]
        agents = [{"identity": name, "kind": "AGENT"} for name in room.agents]
        return {"participants": [*callers, *agents]}

    def _remove_participant(self, request: Mapping[str, Any]) -> dict[str, Any]:
        room = self._room(request)
        job = room.agents.pop(request["identity"], None)
        if job is None:
            raise NotThereError
        job.disconnected("participant_removed")
        self._left(room)
        return {}

    def _list_dispatch(self, request: Mapping[str, Any]) -> dict[str, Any]:
        room = self._room(request)
        return {
            "agent_dispatches": [
                {"id": one.key, "metadata": one.metadata} for one in room.dispatches.values()
            ]
        }

    def _create_dispatch(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self._launch(self._room(request), request.get("metadata", ""))
        return {}

    def _delete_dispatch(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Delete the dispatch and end its jobs."""
        dispatch = self._room(request).dispatches.pop(request["dispatch_id"], None)
        if dispatch is None:
            raise NotThereError
        dispatch.deleted = True
        for job in dispatch.jobs:
            job.terminate()
        return {}

    def _room(self, request: Mapping[str, Any]) -> Room:
        if request["room"] not in self.rooms:
            raise NotThereError
        return self.rooms[request["room"]]

    # The server's own work

    @property
    def _now(self) -> float:
        return self._world.loop.time()

    def _create(self, name: str) -> Room:
        room = self.rooms[name] = Room(name, self._now)
        self._world.later(EMPTY_TIMEOUT, lambda: self._close_if_empty(room, 0))
        return room

    def _left(self, room: Room) -> None:
        visits = room.visits
        self._world.later(DEPARTURE_TIMEOUT, lambda: self._close_if_empty(room, visits))
        self._send_webhook("participant_left", room)

    def _close_if_empty(self, room: Room, visits: int) -> None:
        empty = not room.callers and not room.agents and room.visits == visits
        if empty and self.rooms.get(room.name) is room:
            self.delete(room.name)

    def _launch(self, room: Room, metadata: str) -> None:
        dispatch = Dispatch(f"AD_{next(self._numbers)}", metadata)
        room.dispatches[dispatch.key] = dispatch
        for _ in range(1 + (self._world.chance.random() < self.doubled_share)):
            self._world.spawn(self._offer(room, dispatch))

    async def _offer(self, room: Room, dispatch: Dispatch) -> None:
        chance = self._world.chance
        is_late = chance.random() < self.late_share
        await asyncio.sleep(
            chance.uniform(0.5, MAX_DELAY) if is_late else chance.uniform(0.01, 0.5)
        )
        if chance.random() < self.lost_share:
            return
        job_id = f"AJ_{next(self._numbers)}"
        workers: list[Worker] = [one for one in self._world.workers if not one.dead]
        chance.shuffle(workers)
        for worker in workers:
            try:
                async with asyncio.timeout(OFFER_TIMEOUT):
                    answer = await worker.offer(job_id, dispatch, room.name)
            except TimeoutError:
                return
            if answer is not None:
                return

    def _send_webhook(self, event: str, room: Room) -> None:
        body = {"event": event, "room": {"name": room.name}, "id": f"EV_{next(self._numbers)}"}
        self._world.post(json.dumps(body).encode())
