"""Starts the services that the gate compares when no addresses are given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from contract.targets import Hook, HttpTarget
from contract.wire import Address
from fixtures.node_service import NodeService

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
            """It never talks to LiveKit: that being away changes nothing."""

        hooks: dict[str, Hook] = {"reset": restart, "restart": restart}
        hooks |= dict.fromkeys(("livekit-away", "livekit-back"), nothing)
        return HttpTarget(self.name, Address.of(self.service.url), MANAGED_KEY, hooks)

    async def stop(self) -> None:
        """End the process."""
        await asyncio.to_thread(self.service.stop)


@asynccontextmanager
async def managed_new(database: str) -> AsyncIterator[HttpTarget]:
    """Our API on a fresh `sqlite` or `postgresql` database, with a LiveKit recorder."""
    raise NotImplementedError(database)
    yield
