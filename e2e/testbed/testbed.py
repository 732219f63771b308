"""What a story needs at hand: API, rows, rooms, callers who understand what they hear."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import aiohttp

from fixtures.agents import sample_agent
from fixtures.caller import Caller, room_token
from fixtures.caller.ear import Heard
from fixtures.runtime_client.api import Api
from fixtures.runtime_client.rows import Rows
from fixtures.servers import LiveKitServer
from fixtures.speech import ANSWERS, Recogniser, clip
from fixtures.stack import Stack

NUMBERS: Final = count(1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller understood, and how long it took to begin (milliseconds, at the ear)."""

    text: str | None
    voice_to_voice: float


class Person:
    """A caller in a room, with ears that understand the catalogue."""

    def __init__(self, caller: Caller, recogniser: Recogniser) -> None:
        self.caller = caller
        self._recogniser = recogniser

    async def hears(self) -> str | None:
        """The next utterance, understood."""
        return await self.understands(await self.caller.hear())

    async def understands(self, heard: Heard) -> str | None:
        """Which sentence of the catalogue it was."""
        return await asyncio.to_thread(self._recogniser.recognise, heard.sound)

    async def hears_greeting(self) -> None:
        """Listen to the greeting. Raises AssertionError when it is another sentence."""
        understood = await self.hears()
        if understood != ANSWERS["greeting"]:
            raise AssertionError(f"heard {understood!r} and not the greeting")

    async def asks(self, name: str) -> Answer:
        """Ask the question `name` of the catalogue and listen to the answer."""
        self.caller.forget()
        spoken = await self.caller.say(clip(name))
        heard = await self.caller.hear()
        text = await asyncio.to_thread(self._recogniser.recognise, heard.sound)
        return Answer(text, (heard.began_at - spoken.ended_at) * 1000)

    async def is_answered(self, name: str) -> Answer:
        """Ask, and be answered rightly. Raises AssertionError."""
        answer = await self.asks(name)
        if answer.text != ANSWERS[name]:
            raise AssertionError(f"asked {name!r}, heard {answer.text!r}")
        return answer


@dataclass(slots=True)
class Place:
    """An asynchronous context manager: closes its client at the end."""

    stack: Stack
    livekit: LiveKitServer
    api: Api
    rows: Rows
    recogniser: Recogniser
    agent_id: int
    recordings: Path

    async def worker_metrics(self) -> dict[str, float]:
        """What Prometheus would read at the worker: series by name and labels."""
        url = f"http://127.0.0.1:{self.stack.health_port}/metrics"
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            lines = (await answer.text()).splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {series: float(value) for series, value in pairs}

    async def __aenter__(self) -> Self:
        """Nothing is opened yet."""
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
        """A room's name that no other story uses."""
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
        """Somebody who has joined the room; both sides are recorded for whoever wants to listen."""
        server = self.livekit
        token = room_token(server.api_key, server.api_secret, room_name, identity)
        async with Caller(server.url, token) as caller:
            try:
                yield Person(caller, self.recogniser)
            finally:
                caller.recording.write(self.recordings / f"{room_name}-{identity}.wav")
