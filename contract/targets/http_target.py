"""A service at an address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from contract.http.address import Address
from contract.http.messages import RECORDED_KEY, Answer, Request
from contract.http.placeholders import with_key
from contract.http.wire import TIMEOUT, send
from contract.targets.target import EffectSource, Hook

# Characters of a key that answers must not show; a shorter one would match within ids by chance.
_SHORTEST_SECRET: Final = 8


@dataclass
class HttpTarget:
    """A service at an address. `hooks` maps `reset`, `restart` and faults to their actions."""

    name: str
    address: Address
    key: str
    hooks: Mapping[str, Hook] = field(default_factory=dict)
    effects: EffectSource | None = None
    timeout: float = TIMEOUT

    @property
    def watched(self) -> bool:
        """Whether answers carry the calls that the service made to its peer."""
        return self.effects is not None

    async def reset(self) -> None:
        """Run the reset hook; a service without one keeps its state."""
        if "reset" in self.hooks:
            await self.hooks["reset"]()
            if self.effects is not None:
                await self.effects.take()

    async def change(self, what: str) -> None:
        """Run the hook of that name. Raises KeyError when it does not exist."""
        await self.hooks[what]()

    def can(self, what: str) -> bool:
        """Whether a hook of that name exists."""
        return what in self.hooks

    async def send(self, request: Request) -> Answer:
        """Send the request with this target's key in place of the recorded key."""
        answer = await send(self.address, with_key(request, self.key), timeout=self.timeout)
        if self.effects is not None:
            answer = replace(answer, effects=await self.effects.take())
        return self._unkeyed(answer)

    def _unkeyed(self, answer: Answer) -> Answer:
        """The answer without the key: no report may show it, even when a service echoes it."""
        if len(self.key) < _SHORTEST_SECRET:
            return answer
        headers = tuple((k, v.replace(self.key, RECORDED_KEY)) for k, v in answer.headers)
        body = answer.body.replace(self.key.encode(), RECORDED_KEY.encode())
        return replace(answer, headers=headers, body=body)
