"""Watches rooms over LiveKit's server API, for measurements that need no audio."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from livekit import api
from livekit.protocol.models import ParticipantInfo

from load.services import Services

POLL = 0.02  # seconds between two requests; LiveKit sends events only into the room


class RoomWatch:
    """Watches who is in rooms; an asynchronous context manager. Times are monotonic seconds."""

    def __init__(self, services: Services) -> None:
        url = services.livekit.replace("ws", "http", 1)
        self._api = api.LiveKitAPI(url, services.livekit_key, services.livekit_secret)

    async def __aenter__(self) -> Self:
        """Enter; connections open with the first request."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self._api.aclose()

    async def agents(self, room: str) -> set[str]:
        """Identities of the active agents in the room."""
        try:
            found = await self._api.room.list_participants(api.ListParticipantsRequest(room=room))
        except api.TwirpError as error:
            if error.code == api.TwirpErrorCode.NOT_FOUND:
                return set()
            raise
        return {
            one.identity
            for one in found.participants
            if one.kind == ParticipantInfo.Kind.AGENT and one.state == ParticipantInfo.State.ACTIVE
        }

    async def agent_joined(
        self, room: str, within: float, *, excluding: Iterable[str] = ()
    ) -> float | None:
        """When an agent not in `excluding` is in the room; None if none is within `within` seconds."""
        known, deadline = set(excluding), time.monotonic() + within
        while time.monotonic() < deadline:
            if await self.agents(room) - known:
                return time.monotonic()
            await asyncio.sleep(POLL)
        return None

    async def close(self, room: str) -> None:
        """Delete the room, which disconnects its participants."""
        try:
            await self._api.room.delete_room(api.DeleteRoomRequest(room=room))
        except api.TwirpError as error:
            if error.code != api.TwirpErrorCode.NOT_FOUND:
                raise
