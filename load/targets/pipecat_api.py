"""The HTTP paths for Pipecat: `python -m load.targets.pipecat_api pipecat`, in Pipecat's environment.

Calls are tasks of this one process, as in Pipecat's own runner.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from load.targets.http_paths import serve
from load.targets.pipecat_call import EndOfTurn, PipecatCall


class PipecatRooms:
    """The calls under way, by room."""

    def __init__(self, end_of_turn: EndOfTurn) -> None:
        self._end_of_turn = end_of_turn
        self._calls: dict[str, PipecatCall] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def create(self, room: str) -> None:
        """Start a call; the agent joins when it is ready."""
        # A call that fails is logged, and its caller hears nothing.
        task = asyncio.create_task(self._answer(room))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def end(self, room: str) -> None:
        """End the call."""
        if (call := self._calls.get(room)) is not None:
            await call.end()

    async def end_all(self) -> None:
        """End every call, and wait until all have ended."""
        for call in list(self._calls.values()):
            await call.end()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _answer(self, room: str) -> None:
        call = self._calls[room] = PipecatCall(room, self._end_of_turn)
        try:
            await call.run()
        finally:
            del self._calls[room]


@asynccontextmanager
async def pipecat_rooms() -> AsyncIterator[PipecatRooms]:
    """Open the rooms; the only argument of the command line names the end of turn."""
    rooms = PipecatRooms(EndOfTurn(sys.argv[1]))
    try:
        yield rooms
    finally:
        await rooms.end_all()


if __name__ == "__main__":
    serve(pipecat_rooms)
