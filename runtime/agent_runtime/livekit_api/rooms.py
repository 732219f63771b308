"""The LiveKit server, as far as sessions need it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from agent_runtime.domain.job import MAX_ID, JobTarget, NotOurJob, target_of
from agent_runtime.domain.session import Session, agent_identity, dispatch_of, session_of
from agent_runtime.livekit_api.twirp import NotThereError, Twirp

logger = logging.getLogger(__name__)

# One worker without a name takes automatic and explicit jobs; see docs/architecture.md.
AGENT_NAME: Final = ""


class LiveKitRooms:
    """Implements the port Rooms.

    `asked` is called with room name and metadata when a session's agent was asked for.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        api_secret: str,
        *,
        timeout: float = 2.0,
        asked: Callable[[str, str], None] | None = None,
    ) -> None:
        self._livekit = Twirp(url, api_key, api_secret, timeout)
        self._asked = asked

    async def dispatch(
        self, session: Session, variables: Mapping[str, Any], number: int = 1
    ) -> None:
        """Exactly one job for the session, whether the room exists or not.

        A new room gets the dispatches that CreateRoom carries instead of the default one; for a room
        that is alive they are stored and never launched (livekit-server 1.13.5, `Room.NewRoom` and
        `StandardRoomAllocator.CreateRoom`), so it is looked at and dispatched into by hand.
        """
        agent = {"agent_name": AGENT_NAME, "metadata": _metadata(session, variables, number)}
        room = session.room_name
        await self._livekit.ask("RoomService/CreateRoom", {"name": room, "agents": [agent]})
        # Told no sooner: whoever joins a room before it is made, makes it, with another dispatch.
        self._tell(room, agent["metadata"])
        if session.has_room_of_its_own:
            return  # it cannot have been there
        launched = await self._dispatches(room)
        if not any(dispatch.get("metadata") == agent["metadata"] for dispatch in launched):
            request = {"room": room, **agent}
            await self._livekit.ask("AgentDispatchService/CreateDispatch", request, room=room)

    async def redispatch(self, session: Session, variables: Mapping[str, Any], number: int) -> None:
        """A new job for the session; the server forgets, or ends, those that it had before.

        Not what a later dispatch has brought: whoever asks here may have been held up.
        """
        room = session.room_name
        found = await self._livekit.ask("RoomService/ListRooms", {"names": [room]})
        if not found.get("rooms"):
            await self.dispatch(session, variables, number)
            return
        for identity in await self._agents_of(session):
            if dispatch_of(identity) < number:
                await self._remove(room, identity)
        await self._delete_dispatches(session, before=number)
        metadata = _metadata(session, variables, number)
        request = {"room": room, "agent_name": AGENT_NAME, "metadata": metadata}
        await self._livekit.ask("AgentDispatchService/CreateDispatch", request, room=room)
        self._tell(room, metadata)

    async def dispatch_automatic(self, room_name: str) -> None:
        """What LiveKit does once for every new room: a job without metadata."""
        request = {"room": room_name, "agent_name": AGENT_NAME}
        await self._livekit.ask("AgentDispatchService/CreateDispatch", request, room=room_name)

    async def count_callers(self, room_name: str) -> int:
        """Participants of the room that are no agents."""
        return sum(one.get("kind") != "AGENT" for one in await self._participants(room_name))

    async def occupied_rooms(self) -> Mapping[str, datetime]:
        """Rooms with participants, and when they were made (LiveKit's clock, to the second)."""
        found = await self._livekit.ask("RoomService/ListRooms", {})
        return {
            room["name"]: datetime.fromtimestamp(int(room["creation_time"]), UTC)
            for room in found.get("rooms", [])
            if room.get("num_participants")
        }

    async def close_room(self, room_name: str) -> None:
        """Delete the room."""
        try:
            await self._livekit.ask("RoomService/DeleteRoom", {"room": room_name}, room=room_name)
        except NotThereError as error:
            logger.debug("room %s is gone already: %s", room_name, error)

    async def remove_agent(self, session: Session) -> None:
        """Take the agent out of the room; one that is still on its way loses its dispatch."""
        room = session.room_name
        # Asked for a participant of a room that is closed, the server waits for an answer from that
        # room until its own time is up, and then calls itself unavailable.
        found = await self._livekit.ask("RoomService/ListRooms", {"names": [room]})
        if not found.get("rooms"):
            return
        there = await self._remove(room, agent_identity(session.session_id))
        for identity in await self._agents_of(session):
            there = await self._remove(room, identity) or there
        if not there:
            await self._delete_dispatches(session)

    async def check(self) -> None:
        """Ask for a room that nobody has."""
        request = {"names": ["agent-runtime-readiness"]}
        await self._livekit.ask("RoomService/ListRooms", request)

    async def close(self) -> None:
        """Close the connections."""
        await self._livekit.close()

    def _tell(self, room: str, metadata: str) -> None:
        if self._asked is not None:
            self._asked(room, metadata)

    async def _participants(self, room: str) -> list[dict[str, Any]]:
        try:
            found = await self._livekit.ask(
                "RoomService/ListParticipants", {"room": room}, room=room
            )
        except NotThereError:
            return []
        participants: list[dict[str, Any]] = found.get("participants", [])
        return participants

    async def _agents_of(self, session: Session) -> list[str]:
        """Identities of the session's agents in its room: one that was lost may still be there."""
        identities = [one["identity"] for one in await self._participants(session.room_name)]
        return [name for name in identities if session_of(name) == session.session_id]

    async def _remove(self, room: str, identity: str) -> bool:
        """Send a participant out of the room; False when there is none of this name."""
        try:
            request = {"room": room, "identity": identity}
            await self._livekit.ask("RoomService/RemoveParticipant", request, room=room)
        except NotThereError:
            return False
        return True

    async def _dispatches(self, room: str) -> list[dict[str, Any]]:
        method = "AgentDispatchService/ListDispatch"
        found: list[dict[str, Any]] = (
            await self._livekit.ask(method, {"room": room}, room=room)
        ).get("agent_dispatches", [])
        return found

    async def _delete_dispatches(self, session: Session, before: int = MAX_ID) -> None:
        room = session.room_name
        try:
            for dispatch in await self._dispatches(room):
                target = _target(dispatch.get("metadata", ""))
                if target and target.session_id == session.session_id and target.dispatch < before:
                    request = {"dispatch_id": dispatch["id"], "room": room}
                    method = "AgentDispatchService/DeleteDispatch"
                    await self._livekit.ask(method, request, room=room)
        except NotThereError as error:
            logger.debug("nothing to take out of room %s: %s", room, error)


def _metadata(session: Session, variables: Mapping[str, Any], number: int) -> str:
    target = JobTarget(session.agent_id, session.session_id, session.tenant_id, variables, number)
    return target.to_metadata()


def _target(metadata: str) -> JobTarget | None:
    try:
        return target_of(metadata, "")
    except NotOurJob:
        return None  # somebody else's dispatch
