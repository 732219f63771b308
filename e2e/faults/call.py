"""A call in which a test causes a fault."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psutil

from e2e.testbed.person import Person
from e2e.testbed.testbed import Testbed
from fixtures.processes.logged_process import LoggedProcess


@dataclass(frozen=True, slots=True)
class Call:
    """A call whose caller has joined."""

    testbed: Testbed
    session_id: str
    person: Person

    async def job(
        self, worker: LoggedProcess, since: int = 0, within: float = 30
    ) -> psutil.Process:
        """The process of the session's agent, as soon as the agent is in the room."""
        pattern = f"(?=.*agent is in the room)(?=.*{re.escape(self.session_id)})"
        found: list[psutil.Process] = []

        def wait_for_agent() -> None:
            line = worker.wait_for(pattern, within, since=since).string
            pid = re.search(r'"pid":(\d+)', line)
            assert pid is not None, line
            found.append(psutil.Process(int(pid[1])))

        await asyncio.to_thread(wait_for_agent)
        return found[0]

    async def goes_on(self, name: str = "weather") -> None:
        """Check that the same session still answers the same caller, with one agent."""
        await self.person.is_answered(name)
        assert len(self.person.caller.agents) == 1
        row = await self.testbed.rows.session(self.session_id)
        assert row is not None
        assert row["status"] == "active"

    async def agent_is_back(self, within: float = 40) -> None:
        """Wait until the caller is connected again and an agent is in the room. Raises TimeoutError."""
        async with asyncio.timeout(within):
            await self.person.caller.connected()
            await self.person.caller.agent_joined(within)

    async def ends(self) -> None:
        """End the session over HTTP; wait until the agent has left and the row is final."""
        await self.testbed.api.end(self.session_id)
        await self.person.caller.agent_left()
        await self.testbed.rows.session_when(self.session_id, lambda row: row["status"] == "ended")


@asynccontextmanager
async def greeted(testbed: Testbed, **changes: object) -> AsyncIterator[Call]:
    """A call whose caller has heard the greeting; `changes` replace keys of the agent's configuration."""
    await testbed.register(**changes)
    room = testbed.new_room()
    session_id = await testbed.api.create(testbed.agent_id, room)
    async with testbed.person_in(room) as person:
        await person.hears_greeting()
        yield Call(testbed, session_id, person)


@asynccontextmanager
async def second_worker(testbed: Testbed, **environ: str) -> AsyncIterator[LoggedProcess]:
    """A second worker of the same deployment, with an initialised job process."""
    other = testbed.stack.beside("second", **environ)
    try:
        await asyncio.to_thread(other.start_worker)
        assert other.worker is not None
        yield other.worker
    finally:
        await asyncio.to_thread(other.stop)


@asynccontextmanager
async def second_api(testbed: Testbed) -> AsyncIterator[LoggedProcess]:
    """A second API of the same deployment."""
    other = testbed.stack.beside("second-api")
    try:
        await asyncio.to_thread(other.start_api)
        assert other.api is not None
        yield other.api
    finally:
        await asyncio.to_thread(other.stop)
