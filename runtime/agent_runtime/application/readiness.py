"""Whether database and LiveKit are usable, as probes see it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

from agent_runtime.domain.errors import LiveKitUnavailable, StoreUnavailable
from agent_runtime.domain.ports.livekit import Health

# Seconds for which a result serves every probe: a flood of probes costs database and LiveKit nothing.
VALID: Final = 1.0


class Readiness:
    """Checks `parts`, by the name that strangers see, at most once a second. `clock` returns seconds."""

    def __init__(
        self, parts: Mapping[str, Health], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._parts = parts
        self._clock = clock
        self._check: asyncio.Task[dict[str, str]] | None = None
        self._valid_until = 0.0

    async def problems(self) -> Mapping[str, str]:
        """Why each unusable part is so, by its name; empty when all are usable."""
        if self._check is None or (self._check.done() and self._clock() >= self._valid_until):
            self._check = asyncio.create_task(self._examine())
        # A probe that is cancelled must not cancel the check, for which others wait.
        return await asyncio.shield(self._check)

    async def _examine(self) -> dict[str, str]:
        self._valid_until = 0.0
        found = await asyncio.gather(*(self._reason(part) for part in self._parts.values()))
        self._valid_until = self._clock() + VALID
        return {name: why for name, why in zip(self._parts, found, strict=True) if why is not None}

    @staticmethod
    async def _reason(part: Health) -> str | None:
        try:
            await part.check()
        except (StoreUnavailable, LiveKitUnavailable) as error:
            return str(error)
        return None
