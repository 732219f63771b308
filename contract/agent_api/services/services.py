"""Starts the services that the gate compares when no addresses are given."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from contract.agent_api.services.coverage import Reach
from contract.agent_api.services.databases import Database, database
from contract.agent_api.services.livekit import LiveKitRecorder
from contract.errors import TargetUnreachable
from contract.http.wire import Address
from contract.targets.target import FAULTS, Hook, HttpTarget
from fixtures.processes.logged_process import LoggedProcess, ProcessEndedError
from fixtures.processes.ports import free_ports
from fixtures.servers.node_service import NodeService
from fixtures.servers.source import ServerUnavailableError
from fixtures.stack.stack import API_READY, command

MANAGED_KEY: Final = "key-of-the-gate-9d1f"
# The old service only looks whether it is set: nothing ever answers there.
OLD_DATABASE: Final = "postgresql://nobody@127.0.0.1:1/none"


@dataclass
class ManagedOld:
    """The Node.js stand-in, with a hook for each change that a step may ask for."""

    name: str
    service: NodeService = field(
        default_factory=lambda: NodeService(api_key=MANAGED_KEY, database_url=OLD_DATABASE)
    )

    async def start(self) -> HttpTarget:
        """Start it and return it as a target."""
        await asyncio.to_thread(self.service.start)

        async def restart() -> None:
            await asyncio.to_thread(self.service.restart)

        async def nothing() -> None:
            """It talks to neither LiveKit nor its database: their faults change nothing."""

        hooks: dict[str, Hook] = {"reset": restart, "restart": restart}
        hooks |= dict.fromkeys((*FAULTS.keys(), *FAULTS.values()), nothing)
        return HttpTarget(self.name, Address.of(self.service.url), MANAGED_KEY, hooks)

    async def stop(self) -> None:
        """End the process."""
        await asyncio.to_thread(self.service.stop)


@dataclass
class ManagedNew:
    """Our API as a process, on a database and a LiveKit stand-in of its own."""

    database: Database
    livekit: LiveKitRecorder
    log: Path
    reach: Reach | None = None
    port: int = field(default_factory=lambda: free_ports(1)[0])
    _process: LoggedProcess | None = None

    @property
    def environ(self) -> Mapping[str, str]:
        """The variables of the process."""
        return {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONUNBUFFERED": "1",
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "DATABASE_URL": self.database.url,
            "LIVEKIT_URL": self.livekit.url,
            "LIVEKIT_API_KEY": "parity",
            "LIVEKIT_API_SECRET": "0123456789abcdef0123456789abcdef",
            "AGENT_RUNTIME_API_KEY": MANAGED_KEY,
            # No worker ever comes, and nothing is to happen between two requests because of that.
            "SESSION_DISPATCH_PATIENCE": "60",
            "SESSION_AGENT_DEADLINE": "3600",
        }

    async def start(self) -> None:
        """Start it. Raises TargetUnreachable with its last words when it does not listen."""
        await self.database.prepare(self.environ)
        try:
            await asyncio.to_thread(self._start)
        except (OSError, ProcessEndedError) as error:
            raise TargetUnreachable(f"our API does not start: {error}") from error

    async def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            process, self._process = self._process, None
            await asyncio.to_thread(process.stop)

    async def restart(self) -> None:
        """Stop and start again on the same database."""
        await self.stop()
        await self.start()

    async def reset(self) -> None:
        """Forget all that clients did."""
        await asyncio.to_thread(self.database.empty)
        self.livekit.forget()

    def target(self, name: str) -> HttpTarget:
        """It as a target of the gate."""
        hooks: dict[str, Hook] = {
            "reset": self.reset,
            "restart": self.restart,
            "livekit-away": self.livekit.stop,
            "livekit-back": self.livekit.start,
            **{name: _in_thread(change) for name, change in self.database.changes.items()},
        }
        address = Address("127.0.0.1", self.port)
        return HttpTarget(name, address, MANAGED_KEY, hooks, self.livekit)

    def _start(self) -> None:
        start = [command()] if self.reach is None else self.reach.command()
        self._process = LoggedProcess("our API", [*start, "api"], self.environ, self.log)
        self._process.wait_for(API_READY)


def _in_thread(change: Callable[[], None]) -> Hook:
    async def hook() -> None:
        await asyncio.to_thread(change)

    return hook


@asynccontextmanager
async def managed_new(kind: str, reach: Reach | None = None) -> AsyncIterator[HttpTarget]:
    """Our API on a fresh `sqlite` or `postgresql` database, with a LiveKit recorder."""
    recorder = LiveKitRecorder()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="parity-log-"))
        try:
            fresh = await asyncio.to_thread(stack.enter_context, database(kind))
        except ServerUnavailableError as error:
            raise TargetUnreachable(str(error)) from error
        await recorder.start()
        service = ManagedNew(fresh, recorder, Path(folder) / "api.log", reach)
        try:
            await service.start()
            yield service.target(f"new on {kind}")
        finally:
            await service.stop()
            await recorder.stop()
