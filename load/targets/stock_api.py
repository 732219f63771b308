"""HTTP paths for the stock worker, which has no API: create is a room with a dispatch."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from livekit import api

from load.targets.http_paths import serve
from load.targets.stock import NAME


class StockRooms:
    """Rooms that LiveKit is asked for."""

    def __init__(self, livekit: api.LiveKitAPI) -> None:
        self._livekit = livekit

    async def create(self, room: str) -> None:
        """Create the room, and with it the stock worker's job."""
        # Named in the room's creation, so that workers without a name are not offered it.
        dispatch = api.RoomAgentDispatch(agent_name=NAME)
        await self._livekit.room.create_room(api.CreateRoomRequest(name=room, agents=[dispatch]))

    async def end(self, room: str) -> None:
        """Delete the room."""
        await self._livekit.room.delete_room(api.DeleteRoomRequest(room=room))


@asynccontextmanager
async def stock_rooms() -> AsyncIterator[StockRooms]:
    """Reads LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET."""
    async with api.LiveKitAPI() as livekit:
        yield StockRooms(livekit)


if __name__ == "__main__":
    serve(stock_rooms)
