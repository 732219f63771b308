"""What can die: each process has its own tasks, clock and line to the database."""

from __future__ import annotations

import asyncio
import copy
import random
import sqlite3
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar

from agent_runtime.domain.clock import Clock
from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.storage.sql.database import Rows
from agent_runtime.storage.sql.statements import Step
from agent_runtime.storage.sqlite.create import make_embedded
from agent_runtime.storage.sqlite.database import SqliteDatabase, connect
from agent_runtime.storage.sqlite.writer import QueuedUnit

from .simulated_time import SimulatedLoop

START = datetime(2026, 1, 1, tzinfo=UTC)
StoreType = TypeVar("StoreType")


class Machine(Protocol):
    """What all processes share."""

    loop: SimulatedLoop
    chance: random.Random
    database: Inline

    def fell(self, task: asyncio.Task[Any]) -> None:
        """A task of some process is over."""

    def trap(self, process: Process, doing: str) -> None:
        """Let it hang, if whoever does this next is to."""

    def word_for(self, step: Step) -> str:
        """What a change that begins like this is called."""


class Inline(SqliteDatabase):
    """The real database without its threads: beside a simulated loop nothing may happen."""

    def __init__(self, path: Path) -> None:
        make_embedded(path)
        super().__init__(path)
        self._writer._connect = lambda: _without_patience(path)
        self._ticks = 0

    def moment_at(self, seconds: float) -> datetime:
        """No two moments are the same, as with real clocks of microseconds."""
        self._ticks += 1
        return START + timedelta(seconds=seconds, microseconds=self._ticks)

    async def look(self, step: Step) -> Rows:
        """As any other read."""
        return await self.read(step)

    async def scan(self, step: Step) -> Rows:
        """As any other read."""
        return await self.read(step)

    async def write(self, *steps: Step) -> Rows:
        """By the real writer, on this thread."""
        future: asyncio.Future[Rows] = asyncio.get_running_loop().create_future()
        (outcome,) = self._writer._commit([QueuedUnit(steps, future)])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def shut(self) -> None:
        """Close without a loop."""
        self._writer.close()
        for thread, connection in ((self._looks, self._looker), (self._scans, self._scanner)):
            thread.shutdown()
            connection.close()
        self._reader.close()


def _without_patience(path: Path) -> sqlite3.Connection:
    made = connect(path)
    made.execute("PRAGMA synchronous = OFF")  # nobody pulls the plug here
    return made


class Process:
    """Runs until it is killed; may be frozen, and cut from the database. `offset`: its clock is wrong."""

    def __init__(self, machine: Machine, name: str, offset: float = 0.0) -> None:
        self.name = name
        self.machine = machine
        self.dead = False
        self.is_cut = False
        self.touched_at = machine.loop.time()
        self.running = asyncio.Event()
        self.running.set()
        self.clock = Clock(
            lambda: machine.database.moment_at(machine.loop.time() + offset), machine.loop.time
        )
        self.line = Line(self)
        self._tasks: dict[asyncio.Task[Any], None] = {}  # in order

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something for as long as the process lives."""
        task = self.machine.loop.create_task(work)
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)
        task.add_done_callback(self.machine.fell)
        return task

    def kill(self) -> None:
        """Kill -9: nothing is cleaned up."""
        self.dead = True
        for task in list(self._tasks):
            task.cancel()

    async def step(self, longest: float = 0.02, doing: str = "") -> None:
        """A way to the outside: takes a moment, and nothing comes of it while we are frozen."""
        self.machine.trap(self, doing)
        await asyncio.sleep(self.machine.chance.uniform(0.001, longest))
        await self.running.wait()

    def with_line(self, store: StoreType) -> StoreType:
        """The store on this process's line; its statements are compiled once for all."""
        made = copy.copy(store)
        made._database = self.line  # type: ignore[attr-defined]
        return made


class Line:
    """Implements the port Database for one process."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._database = process.machine.database
        self.dialect = self._database.dialect

    async def read(self, step: Step) -> Rows:
        """Rows."""
        return await self._over(step)

    async def look(self, step: Step) -> Rows:
        """Rows."""
        return await self._over(step)

    async def scan(self, step: Step) -> Rows:
        """Rows."""
        return await self._over(step)

    async def write(self, *steps: Step) -> Rows:
        """One transaction; whoever is killed on the way back never learns of it."""
        return await self._over(*steps, write=True)

    async def _over(self, *steps: Step, write: bool = False) -> Rows:
        what = self._process.machine.word_for(steps[0]) if write else ""
        await self._process.step(doing=f"before {what}")
        if self._process.is_cut:
            raise StoreUnavailable("cut off")
        if write:
            rows = await self._database.write(*steps)
            await self._process.step(doing=f"after {what}")
            return rows
        return await self._database.read(steps[0])

    def lock(self, agent_id: int) -> tuple[Step, ...]:
        """SQLite's."""
        return self._database.lock(agent_id)

    def moment(self, moment: datetime) -> str:
        """SQLite's."""
        return self._database.moment(moment)

    def now(self) -> str:
        """By the clock of the process."""
        return self.moment(self._process.clock.wall())

    async def check(self) -> None:
        """It is there."""

    async def close(self) -> None:
        """Nothing to close."""
