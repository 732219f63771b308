"""Rooms, participants and agent dispatches of the LiveKit server, as sessions need them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from agent_runtime.domain.callers.participant import Participant
from agent_runtime.domain.job import MAX_ID, JobTarget, NotOurJob, target_of
from agent_runtime.domain.session import (
    IDENTITY_PREFIX,
    Session,
    agent_identity,
    dispatch_of,
    session_of,
)
from agent_runtime.livekit_api.twirp import NotThereError, Twirp

logger = logging.getLogger(__name__)

# The name that workers register under. Empty, so that one worker takes both automatic and explicit
# jobs: LiveKit dispatches automatically only to agents without a name (docs/architecture.md).
AGENT_NAME: Final = ""


class LiveKitRooms:
    """Implements the port Rooms.

    `on_dispatch` gets the id of each session that an agent is dispatched for, once the room exists.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        api_secret: str,
        *,
        timeout: float = 2.0,
        on_dispatch: Callable[[str], None] | None = None,
    ) -> None:
        self._livekit = Twirp(url, api_key, api_secret, timeout)
        self._on_dispatch = on_dispatch

    async def dispatch(
        self, session: Session, variables: Mapping[str, Any], number: int = 1
    ) -> None:
        """Dispatch exactly one agent for the session, whether the room exists or not.

        A new room launches the dispatches that CreateRoom carries instead of the default one; an
        existing room stores them and never launches them (livekit-server 1.13.5, `Room.NewRoom` and
        `StandardRoomAllocator.CreateRoom`). So the dispatches are listed, and a missing one is created.
        """
        agent = {"agent_name": AGENT_NAME, "metadata": _metadata(session, variables, number)}
        room = session.room_name
        await self._livekit.call("RoomService/CreateRoom", {"name": room, "agents": [agent]})
        # Not sooner: a worker that joined the room before it exists would create it, with another
        # dispatch.
        self._notify(session)
        if session.has_room_of_its_own:
            return  # the room is new: nobody else knows its name
        launched = await self._dispatches(room)
        if not any(dispatch.get("metadata") == agent["metadata"] for dispatch in launched):
            request = {"room": room, **agent}
            await self._livekit.call("AgentDispatchService/CreateDispatch", request, room=room)

    async def redispatch(self, session: Session, variables: Mapping[str, Any], number: int) -> None:
        """Dispatch agent `number` of the session; earlier agents and dispatches are removed.

        Those of later dispatches stay: this process may have been suspended before it came here.
        """
        room = session.room_name
        found = await self._livekit.call("RoomService/ListRooms", {"names": [room]})
        if not found.get("rooms"):
            await self.dispatch(session, variables, number)
            return
        for identity in await self._agents_of(session):
            if dispatch_of(identity) < number:
                await self._remove(room, identity)
        await self._delete_dispatches(session, before=number)
        metadata = _metadata(session, variables, number)
        request = {"room": room, "agent_name": AGENT_NAME, "metadata": metadata}
        await self._livekit.call("AgentDispatchService/CreateDispatch", request, room=room)
        self._notify(session)

    async def dispatch_automatic(self, room_name: str) -> None:
        """Dispatch as LiveKit itself does once for every new room: a job without metadata."""
        request = {"room": room_name, "agent_name": AGENT_NAME}
        await self._livekit.call("AgentDispatchService/CreateDispatch", request, room=room_name)

    async def count_callers(
        self, room_name: str, identity: str | None = None, since: datetime | None = None
    ) -> int:
        """The number of callers, as `domain.participant` judges them."""
        return sum(
            one.is_caller and identity in (None, one.identity) and one.joined_after(since)
            for one in await self._participants(room_name)
        )

    async def open_rooms(self) -> Mapping[str, datetime]:
        """The rooms, empty ones too: the number of participants in this list is up to 5 s old."""
        found = await self._livekit.call("RoomService/ListRooms", {})
        return {
            room["name"]: datetime.fromtimestamp(int(room["creation_time"]), UTC)
            for room in found.get("rooms", [])
        }

    async def close_room(self, room_name: str) -> None:
        """Delete the room."""
        try:
            await self._livekit.call("RoomService/DeleteRoom", {"room": room_name}, room=room_name)
        except NotThereError as error:
            logger.debug("room %s does not exist any more: %s", room_name, error)

    async def remove_agent(self, session: Session) -> None:
        """Remove the agent from the room; of one that has not joined yet, delete the dispatch."""
        room = session.room_name
        # For a participant of a closed room the server waits for that room's answer until its own
        # timeout, and then answers "unavailable". So a closed room is recognised first.
        found = await self._livekit.call("RoomService/ListRooms", {"names": [room]})
        if not found.get("rooms"):
            return
        participants = await self._participants(room)
        own = agent_identity(session.session_id)
        found_agents = [one.identity for one in participants if _is_agent_of(session, one)]
        if all(one.identity != own for one in participants):
            found_agents.insert(0, own)  # it may be joining
        removed = False
        for identity in found_agents:
            removed = await self._remove(room, identity) or removed
        if not removed:
            await self._delete_dispatches(session)

    async def check(self) -> None:
        """Look up a room that does not exist."""
        request = {"names": ["agent-runtime-readiness"]}
        await self._livekit.call("RoomService/ListRooms", request)

    async def close(self) -> None:
        """Close the connections."""
        await self._livekit.close()

    def _notify(self, session: Session) -> None:
        if self._on_dispatch is not None:
            self._on_dispatch(session.session_id)

    async def _participants(self, room: str) -> list[Participant]:
        try:
            found = await self._livekit.call(
                "RoomService/ListParticipants", {"room": room}, room=room
            )
        except NotThereError:
            return []
        return [_participant(one) for one in found.get("participants", [])]

    async def _agents_of(self, session: Session) -> list[str]:
        """Identities of the session's agents in its room, where a lost one may still be."""
        participants = await self._participants(session.room_name)
        return [one.identity for one in participants if _is_agent_of(session, one)]

    async def _remove(self, room: str, identity: str) -> bool:
        """Remove a participant from the room; False when none has this identity."""
        try:
            request = {"room": room, "identity": identity}
            await self._livekit.call("RoomService/RemoveParticipant", request, room=room)
        except NotThereError:
            return False
        return True

    async def _dispatches(self, room: str) -> list[dict[str, Any]]:
        method = "AgentDispatchService/ListDispatch"
        found: list[dict[str, Any]] = (
            await self._livekit.call(method, {"room": room}, room=room)
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
                    await self._livekit.call(method, request, room=room)
        except NotThereError as error:
            logger.debug("no dispatch to delete in room %s: %s", room, error)


def _is_agent_of(session: Session, participant: Participant) -> bool:
    # A caller may have any identity, also the agent's or the session's.
    identity = participant.identity
    is_named = identity.startswith(IDENTITY_PREFIX) and session_of(identity) == session.session_id
    return participant.is_agent and is_named


def _participant(info: Mapping[str, Any]) -> Participant:
    """A participant from LiveKit's JSON; what is left out of it is permitted."""
    may, joined = info.get("permission") or {}, info.get("joined_at_ms")
    return Participant(
        info["identity"],
        info.get("kind", "STANDARD"),
        may.get("can_publish", not may),
        may.get("can_publish_sources", ()),
        may.get("hidden", False),
        info.get("attributes", {}),
        datetime.fromtimestamp(int(joined) / 1000, UTC) if joined else None,
    )


def _metadata(session: Session, variables: Mapping[str, Any], number: int) -> str:
    target = JobTarget(session.agent_id, session.session_id, session.tenant_id, variables, number)
    return target.to_metadata()


def _target(metadata: str) -> JobTarget | None:
    try:
        return target_of(metadata, "")
    except NotOurJob:
        return None  # a dispatch of another application
