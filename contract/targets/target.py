"""The services under comparison, and how each is brought back to a fresh state."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from contract.corpus.frozen import RECORDED_KEY
from contract.errors import TargetMisbehaved
from contract.http.messages import Answer, Effect, Request
from contract.http.wire import TIMEOUT, Address, send

# A shorter key would be found by chance within ids.
_SHORTEST_SECRET = 8
Hook = Callable[[], Awaitable[None]]
# What a step may have broken before it, by the contract's names, and what mends it.
FAULTS: Final[Mapping[str, str]] = {
    "livekit-away": "livekit-back",
    "database-away": "database-back",
    "database-broken": "database-mended",
}


class Target(Protocol):
    """One service that requests can be replayed to."""

    name: str

    async def reset(self) -> None:
        """Forget everything."""

    async def change(self, what: str) -> None:
        """Do to the service what a step asks for (`restart`, `livekit-away`, ...)."""

    def can(self, what: str) -> bool:
        """Whether `change(what)` works here."""

    async def send(self, request: Request) -> Answer:
        """Send one request. Raises TargetUnreachable or TargetMisbehaved."""


class EffectSource(Protocol):
    """Where the calls that a service made to LiveKit are read from."""

    async def take(self) -> tuple[Effect, ...]:
        """The calls since the last time, in order."""


@dataclass
class HttpTarget:
    """A service at an address. `hooks` maps `reset`, `restart` and faults to what does them."""

    name: str
    address: Address
    key: str
    hooks: Mapping[str, Hook] = field(default_factory=dict)
    effects: EffectSource | None = None
    timeout: float = TIMEOUT

    async def reset(self) -> None:
        """Run the reset hook; a service without one keeps its state."""
        if "reset" in self.hooks:
            await self.hooks["reset"]()
            if self.effects is not None:
                await self.effects.take()

    async def change(self, what: str) -> None:
        """Run the hook of that name. Raises KeyError when there is none."""
        await self.hooks[what]()

    def can(self, what: str) -> bool:
        """Whether there is a hook of that name."""
        return what in self.hooks

    async def send(self, request: Request) -> Answer:
        """Send the request with this target's own key in place of the recording's."""
        answer = await send(self.address, self._keyed(request), timeout=self.timeout)
        if self.effects is not None:
            answer = replace(answer, effects=await self.effects.take())
        return self._unkeyed(answer)

    def _keyed(self, request: Request) -> Request:
        headers = tuple((k, v.replace(RECORDED_KEY, self.key)) for k, v in request.headers)
        return replace(request, headers=headers)

    def _unkeyed(self, answer: Answer) -> Answer:
        """No key may reach a report, not even one that a service echoes."""
        if len(self.key) < _SHORTEST_SECRET:
            return answer
        headers = tuple((k, v.replace(self.key, RECORDED_KEY)) for k, v in answer.headers)
        body = answer.body.replace(self.key.encode(), RECORDED_KEY.encode())
        return replace(answer, headers=headers, body=body)


def command_hook(name: str, command: str, *, timeout: float = 120.0) -> Hook:
    """A hook that runs a shell command. Raises TargetMisbehaved when it fails or hangs."""

    async def run() -> None:
        process = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", command, stderr=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(timeout):
                _, words = await process.communicate()
        except TimeoutError as error:
            process.kill()
            raise TargetMisbehaved(f"{name} `{command}` took over {timeout:g} s") from error
        if process.returncode != 0:
            raise TargetMisbehaved(
                f"{name} {shlex.quote(command)} ended with {process.returncode}: "
                f"{words.decode('utf-8', 'replace')[-500:]}"
            )

    return run
