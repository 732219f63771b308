"""The LiveKit server, as far as sessions need it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

from agent_runtime.domain.errors import RoomsUnavailable
from agent_runtime.domain.job import JobTarget
from agent_runtime.domain.session import Session, agent_identity

if TYPE_CHECKING:
    from livekit import api

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")
NOT_FOUND: Final = "not_found"
# One worker without a name takes automatic and explicit jobs; see docs/architecture.md.
AGENT_NAME: Final = ""


class LiveKitRooms:
    """Implements the port Rooms with LiveKit's own client.

    The client is loaded and connected at first use: it costs more to import than the rest of the API.
    """

    def __init__(self, url: str, api_key: str, api_secret: str, *, timeout: float = 2.0) -> None:
        self._url = url
        self._api_key = api_key
        self._api_secret = api_secret
        self._timeout = timeout
        self._client: api.LiveKitAPI | None = None

    async def dispatch(self, session: Session, variables: Mapping[str, Any]) -> None:
        """Exactly one job for the session, whether the room exists or not.

        A new room gets the dispatches that CreateRoom carries instead of the default one; for a room
        that is alive they are stored and never launched (livekit-server 1.13.5, `Room.NewRoom` and
        `StandardRoomAllocator.CreateRoom`), so it is looked at and dispatched into by hand.
        """
        from livekit import api

        target = JobTarget(session.agent_id, session.session_id, session.tenant_id, variables)
        metadata = target.to_metadata()
        client = self._livekit()
        agent = api.RoomAgentDispatch(agent_name=AGENT_NAME, metadata=metadata)
        await self._ask(
            client.room.create_room(api.CreateRoomRequest(name=session.room_name, agents=[agent]))
        )
        launched = await self._ask(client.agent_dispatch.list_dispatch(session.room_name))
        if any(dispatch.metadata == metadata for dispatch in launched):
            return
        await self._ask(
            client.agent_dispatch.create_dispatch(
                api.CreateAgentDispatchRequest(
                    room=session.room_name, agent_name=AGENT_NAME, metadata=metadata
                )
            )
        )

    async def remove_agent(self, session: Session) -> None:
        """Take the agent out of the room; one that is still on its way loses its dispatch."""
        from livekit import api

        client = self._livekit()
        # Asked for a participant of a room that is closed, the server waits for an answer from that
        # room until its own time is up, and then calls itself unavailable.
        named = api.ListRoomsRequest(names=[session.room_name])
        if not (await self._ask(client.room.list_rooms(named))).rooms:
            return
        identity = agent_identity(session.session_id)
        request = api.RoomParticipantIdentity(room=session.room_name, identity=identity)
        if await self._ask_unless_gone(client.room.remove_participant(request)):
            return
        dispatches = await self._ask_unless_gone(
            client.agent_dispatch.list_dispatch(session.room_name)
        )
        for dispatch in dispatches or ():
            if _session_id(dispatch.metadata) == session.session_id:
                await self._ask_unless_gone(
                    client.agent_dispatch.delete_dispatch(dispatch.id, session.room_name)
                )

    async def check(self) -> None:
        """Ask for a room that nobody has."""
        from livekit import api

        request = api.ListRoomsRequest(names=["agent-runtime-readiness"])
        await self._ask(self._livekit().room.list_rooms(request))

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _livekit(self) -> api.LiveKitAPI:
        if self._client is None:
            from livekit import api

            self._client = api.LiveKitAPI(self._url, self._api_key, self._api_secret)
        return self._client

    async def _ask(self, request: Awaitable[Answer]) -> Answer:
        import aiohttp
        from livekit import api

        where = urlsplit(self._url).netloc.rpartition("@")[2]
        try:
            # The client's own timeout does not reach its requests (livekit-api 1.2.2).
            async with asyncio.timeout(self._timeout):
                return await request
        except api.TwirpError as error:
            if error.code == NOT_FOUND:
                raise
            raise RoomsUnavailable(f"LiveKit at {where} refused: {error.message}") from error
        except TimeoutError as error:
            raise RoomsUnavailable(
                f"LiveKit at {where} did not answer within {self._timeout} s"
            ) from error
        except aiohttp.ClientError as error:
            raise RoomsUnavailable(f"LiveKit at {where} is not reachable: {error}") from error

    async def _ask_unless_gone(self, request: Awaitable[Answer]) -> Answer | None:
        """The answer; None when the room, participant or dispatch is not there."""
        from livekit import api

        try:
            return await self._ask(request)
        except api.TwirpError as error:
            logger.debug("nothing to take out of the room: %s", error.message)
            return None


def _session_id(metadata: str) -> object:
    try:
        given = json.loads(metadata or "{}")
    except ValueError:
        return None  # somebody else's dispatch
    return given.get("sessionId") if isinstance(given, dict) else None
