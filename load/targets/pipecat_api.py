"""HTTP paths for Pipecat: `python -m load.targets.pipecat_api pipecat`, in Pipecat's environment.

Calls are tasks of this one process, as Pipecat's own runner has them.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from load.targets.http_paths import serve
from load.targets.pipecat_call import EndOfTurn, PipecatCall


class PipecatRooms:
    """The calls under way, by their rooms."""

    def __init__(self, end_of_turn: EndOfTurn) -> None:
        self._end_of_turn = end_of_turn
        self._calls: dict[str, PipecatCall] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def create(self, room: str) -> None:
        """Begin a call; the agent comes when it is ready."""
        # A call that fails says so in the log, and its caller hears nothing.
        task = asyncio.create_task(self._answer(room))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def end(self, room: str) -> None:
        """End the call."""
        if (call := self._calls.get(room)) is not None:
            await call.end()

    async def end_all(self) -> None:
        """End every call, and return when they are over."""
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
    """The end of turn is the command line's only argument."""
    rooms = PipecatRooms(EndOfTurn(sys.argv[1]))
    try:
        yield rooms
    finally:
        await rooms.end_all()


if __name__ == "__main__":
    serve(pipecat_rooms)
