"""Processes that can be killed, suspended and disconnected from the database."""

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
from agent_runtime.storage.sqlite.create import create_database
from agent_runtime.storage.sqlite.database import SqliteDatabase, connect
from agent_runtime.storage.sqlite.writer import QueuedUnit

from .simulated_time import SimulatedLoop

START = datetime(2026, 1, 1, tzinfo=UTC)
StoreType = TypeVar("StoreType")


class Machine(Protocol):
    """What all processes of a walk share."""

    loop: SimulatedLoop
    chance: random.Random
    database: InlineDatabase

    def task_done(self, task: asyncio.Task[Any]) -> None:
        """Take note that a task of a process has ended."""

    def trap(self, process: Process, doing: str) -> None:
        """Suspend the process if a trap is set for this step."""

    def name_of(self, step: Step) -> str:
        """The name of the change that begins with this statement."""


class InlineDatabase(SqliteDatabase):
    """The real SQLite database without threads, which simulated time cannot control."""

    def __init__(self, path: Path) -> None:
        create_database(path)
        super().__init__(path)
        self._writer._connect = lambda: _without_sync(path)
        self._ticks = 0

    def moment_at(self, seconds: float) -> datetime:
        """The wall clock at a simulated time; as with real clocks, no two results are equal."""
        self._ticks += 1
        return START + timedelta(seconds=seconds, microseconds=self._ticks)

    async def read_live(self, step: Step) -> Rows:
        """Read, like any other query."""
        return await self.read(step)

    async def scan(self, step: Step) -> Rows:
        """Read, like any other query."""
        return await self.read(step)

    async def write(self, *steps: Step) -> Rows:
        """Write with the real writer, on this thread."""
        future: asyncio.Future[Rows] = asyncio.get_running_loop().create_future()
        (outcome,) = self._writer._commit([QueuedUnit(steps, future)])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def shut(self) -> None:
        """Close without an event loop."""
        self._writer.close()
        for thread, connection in (
            (self._live_reads, self._live_reader),
            (self._scans, self._scanner),
        ):
            thread.shutdown()
            connection.close()
        self._reader.close()


def _without_sync(path: Path) -> sqlite3.Connection:
    made = connect(path)
    made.execute("PRAGMA synchronous = OFF")  # no power failure is simulated
    return made


class Process:
    """A process that runs until it is killed; its wall clock is off by `offset` seconds.

    It may be suspended (`running` is cleared) and disconnected from the database.
    """

    def __init__(self, machine: Machine, name: str, offset: float = 0.0) -> None:
        self.name = name
        self.machine = machine
        self.dead = False
        self.is_disconnected = False
        self.disturbed_at = machine.loop.time()
        self.running = asyncio.Event()
        self.running.set()
        self.clock = Clock(
            lambda: machine.database.moment_at(machine.loop.time() + offset), machine.loop.time
        )
        self.connection = Connection(self)
        self._tasks: dict[asyncio.Task[Any], None] = {}  # an ordered set

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run a coroutine for as long as the process lives."""
        task = self.machine.loop.create_task(work)
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)
        task.add_done_callback(self.machine.task_done)
        return task

    def kill(self) -> None:
        """Kill the process as with SIGKILL: nothing is cleaned up."""
        self.dead = True
        for task in list(self._tasks):
            task.cancel()

    async def step(self, longest: float = 0.02, doing: str = "") -> None:
        """Take the time of a call to the outside, and longer while the process is suspended."""
        self.machine.trap(self, doing)
        await asyncio.sleep(self.machine.chance.uniform(0.001, longest))
        await self.running.wait()

    def connected(self, store: StoreType) -> StoreType:
        """The store on this process's connection; statements are compiled once for all processes."""
        made = copy.copy(store)
        made._database = self.connection  # type: ignore[attr-defined]
        return made


class Connection:
    """Implements storage's Database for one process."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._database = process.machine.database
        self.dialect = self._database.dialect

    async def read(self, step: Step) -> Rows:
        """Read."""
        return await self._through(step)

    async def read_live(self, step: Step) -> Rows:
        """Read."""
        return await self._through(step)

    async def scan(self, step: Step) -> Rows:
        """Read."""
        return await self._through(step)

    async def write(self, *steps: Step) -> Rows:
        """Commit one transaction; a process that is killed right after it never learns of it."""
        return await self._through(*steps, write=True)

    async def _through(self, *steps: Step, write: bool = False) -> Rows:
        what = self._process.machine.name_of(steps[0]) if write else ""
        await self._process.step(doing=f"before {what}")
        if self._process.is_disconnected:
            raise StoreUnavailable("disconnected")
        if write:
            rows = await self._database.write(*steps)
            await self._process.step(doing=f"after {what}")
            return rows
        return await self._database.read(steps[0])

    def lock(self, agent_id: int) -> tuple[Step, ...]:
        """The steps of SQLite's lock."""
        return self._database.lock(agent_id)

    def moment(self, moment: datetime) -> str:
        """The time as SQLite stores it."""
        return self._database.moment(moment)

    def now(self) -> str:
        """The time by the clock of the process."""
        return self.moment(self._process.clock.wall())

    async def check(self) -> None:
        """Do nothing: the database is there."""

    async def close(self) -> None:
        """Do nothing: the world closes the database."""
