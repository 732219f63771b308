"""Our API as the new service."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from contract.agent_api.services.coverage import CoverageMeter
from contract.agent_api.services.databases import Database, database
from contract.agent_api.services.livekit_recorder import LiveKitRecorder
from contract.agent_api.services.old_service import MANAGED_KEY
from contract.errors import TargetUnreachable
from contract.http.address import Address
from contract.targets.hooks import to_its_end
from contract.targets.http_target import HttpTarget
from contract.targets.target import Hook
from contract.targets.testbed import RESTART
from fixtures.processes.logged_process import LoggedProcess, ProcessEndedError
from fixtures.processes.ports import free_ports
from fixtures.servers.source import ServerUnavailableError
from fixtures.stack.stack import API_READY, command

# Seconds, and a little, for which /ready may report what was before a fault or its repair.
READINESS_VALID: Final = 1.05
# The variables of all providers' keys.
PROVIDER_KEYS: Final = (
    "ANTHROPIC_API_KEY",
    "ASSEMBLYAI_API_KEY",
    "CARTESIA_API_KEY",
    "DEEPGRAM_API_KEY",
    "ELEVEN_API_KEY",
    "GLADIA_API_KEY",
    "GOOGLE_API_KEY",
    "LIVEKIT_INFERENCE_API_KEY",
    "LIVEKIT_INFERENCE_API_SECRET",
    "OPENAI_API_KEY",
)


@dataclass
class NewService:
    """Our API as a process, with its own database and LiveKit stand-in.

    `faults` maps each fault to its repair. Bringing about a present fault does nothing, nor does
    repairing an absent one: a shortest replay tries any subset of the steps.
    """

    database: Database
    livekit: LiveKitRecorder
    log: Path
    faults: Mapping[str, str]
    coverage: CoverageMeter | None = None
    port: int = field(default_factory=lambda: free_ports(1)[0])
    _process: LoggedProcess | None = None
    _present: set[str] = field(default_factory=set)

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment of the process."""
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
            # With keys for all providers, no registration has a warning that one of them may be unusable.
            **dict.fromkeys(PROVIDER_KEYS, "parity"),
            # No worker runs, and sessions must not end between two requests because of that.
            "SESSION_DISPATCH_PATIENCE": "600",
            # Far from UTC, so that a time that is read or written in local time shows.
            "TZ": "Pacific/Kiritimati",
            "SESSION_AGENT_DEADLINE": "3600",
        }

    async def start(self) -> None:
        """Start it. Raises TargetUnreachable with its last log lines when it does not listen."""
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
        """Repair all faults, start again if a restart failed, and forget all effects of requests."""
        for fault in sorted(self._present):
            await self._hooks()[self.faults[fault]]()
        if self._process is None:
            await self.start()
        await asyncio.to_thread(self.database.empty)
        self.livekit.forget()

    def target(self, name: str) -> HttpTarget:
        """The service as a target of the gate."""
        hooks = {name: to_its_end(hook) for name, hook in self._hooks().items()}
        address = Address("127.0.0.1", self.port)
        return HttpTarget(name, address, MANAGED_KEY, hooks, self.livekit)

    def _hooks(self) -> dict[str, Hook]:
        actions: dict[str, Hook] = {
            "livekit-away": self.livekit.stop,
            "livekit-back": self.livekit.start,
            **{name: _in_thread(change) for name, change in self.database.changes.items()},
        }
        hooks: dict[str, Hook] = {"reset": self.reset, RESTART: self.restart}
        hooks |= {name: actions[name] for name in ("figures-stored",) if name in actions}
        for fault, repair in self.faults.items():
            hooks[fault] = partial(self._bring_about, fault, actions[fault])
            hooks[repair] = partial(self._repair, fault, actions[repair])
        return hooks

    async def _bring_about(self, fault: str, action: Hook) -> None:
        if fault not in self._present:
            await action()
            await asyncio.sleep(READINESS_VALID)
            self._present.add(fault)

    async def _repair(self, fault: str, action: Hook) -> None:
        if fault in self._present:
            await action()
            await asyncio.sleep(READINESS_VALID)
            self._present.remove(fault)

    def _start(self) -> None:
        start = [command()] if self.coverage is None else self.coverage.command()
        self._process = LoggedProcess("our API", [*start, "api"], self.environ, self.log)
        self._process.wait_for(API_READY)


def _in_thread(change: Callable[[], None]) -> Hook:
    async def hook() -> None:
        await asyncio.to_thread(change)

    return hook


@asynccontextmanager
async def new_service(
    kind: str, faults: Mapping[str, str], coverage: CoverageMeter | None = None
) -> AsyncIterator[HttpTarget]:
    """Our API on a fresh `sqlite` or `postgresql` database, with a LiveKit recorder.

    Raises TargetUnreachable when the database or the API does not start.
    """
    recorder = LiveKitRecorder()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="parity-log-"))
        try:
            fresh = await asyncio.to_thread(stack.enter_context, database(kind))
        except ServerUnavailableError as error:
            raise TargetUnreachable(str(error)) from error
        await recorder.start()
        service = NewService(fresh, recorder, Path(folder) / "api.log", faults, coverage)
        try:
            await service.start()
            yield service.target(f"new on {kind}")
        finally:
            await service.stop()
            await recorder.stop()
