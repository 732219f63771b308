"""The testbed of a story: API, rows, rooms, and callers who recognise what they hear."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Final, Self

import aiohttp

from e2e.testbed.person import Person
from fixtures.agents import sample_agent
from fixtures.caller import Caller, room_token
from fixtures.runtime_client.api import Api
from fixtures.runtime_client.rows import Rows
from fixtures.servers import LiveKitServer
from fixtures.speech import Recogniser
from fixtures.stack import Stack

NUMBERS: Final = count(1)
AGENT_IDS: Final = count(1)


@dataclass(slots=True)
class Testbed:
    """The servers and clients of one story; an asynchronous context manager that closes the API client."""

    __test__: ClassVar[bool] = False  # otherwise pytest collects the class because of its name

    stack: Stack
    livekit: LiveKitServer
    api: Api
    rows: Rows
    recogniser: Recogniser
    agent_id: int
    recordings: Path

    async def worker_metrics(self) -> dict[str, float]:
        """The worker's Prometheus metrics: values by name and labels."""
        url = f"http://127.0.0.1:{self.stack.health_port}/metrics"
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            lines = (await answer.text()).splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {series: float(value) for series, value in pairs}

    async def __aenter__(self) -> Self:
        """Return the testbed; the client opens at the first request."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the client."""
        await self.api.__aexit__(kind, error, traceback)

    def new_room(self) -> str:
        """The name of a room that no other story uses."""
        return f"room-{self.agent_id}-{next(NUMBERS)}"

    @property
    def widget_room(self) -> str:
        """The room that the agent's widget joins."""
        return f"agent-{self.agent_id}-room"

    async def register(self, **changes: object) -> None:
        """Register the receptionist under the story's agent id."""
        await self.api.register(self.agent_id, sample_agent("receptionist", **changes))

    @asynccontextmanager
    async def person_in(self, room_name: str, identity: str = "caller") -> AsyncIterator[Person]:
        """A person who has joined the room; leaves a WAV file with both sides in `recordings`."""
        server = self.livekit
        token = room_token(server.api_key, server.api_secret, room_name, identity)
        async with Caller(server.url, token) as caller:
            try:
                yield Person(caller, self.recogniser)
            finally:
                caller.recording.write(self.recordings / f"{room_name}-{identity}.wav")


def open_testbed(
    stack: Stack, livekit: LiveKitServer, recogniser: Recogniser, folder: Path
) -> Testbed:
    """A testbed on `stack`, with its own agent id."""
    return Testbed(
        stack=stack,
        livekit=livekit,
        api=Api(stack.api_url, stack.settings.api_key),
        rows=Rows(stack.settings.database_url),
        recogniser=recogniser,
        agent_id=next(AGENT_IDS),
        recordings=folder,
    )
