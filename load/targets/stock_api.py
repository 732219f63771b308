"""The HTTP paths for the stock worker, which has no API: a create creates a room with a dispatch."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from livekit import api

from load.targets.http_paths import serve
from load.targets.stock import NAME


class StockRooms:
    """Creates and deletes rooms on the LiveKit server."""

    def __init__(self, livekit: api.LiveKitAPI) -> None:
        self._livekit = livekit

    async def create(self, room: str) -> None:
        """Create the room, and with it the stock worker's job."""
        # In the room's creation, so that LiveKit does not also offer the room to workers without a name.
        dispatch = api.RoomAgentDispatch(agent_name=NAME)
        await self._livekit.room.create_room(api.CreateRoomRequest(name=room, agents=[dispatch]))

    async def end(self, room: str) -> None:
        """Delete the room."""
        await self._livekit.room.delete_room(api.DeleteRoomRequest(room=room))


@asynccontextmanager
async def stock_rooms() -> AsyncIterator[StockRooms]:
    """Open the rooms; reads LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET."""
    async with api.LiveKitAPI() as livekit:
        yield StockRooms(livekit)


if __name__ == "__main__":
    serve(stock_rooms)
