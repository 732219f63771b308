"""The Node.js stand-in as the old service."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from contract.errors import TargetUnreachable
from contract.http.address import Address
from contract.targets.hooks import to_its_end
from contract.targets.http_target import HttpTarget
from contract.targets.target import Hook
from contract.targets.testbed import RESTART
from fixtures.servers.node_service import NodeService, NodeUnavailable

MANAGED_KEY: Final = "key-of-the-gate-9d1f"
# The old service only checks that its URL is set: no database answers there.
OLD_DATABASE: Final = "postgresql://nobody@127.0.0.1:1/none"


@dataclass
class OldService:
    """The stand-in, with a hook for each of `changes` that a step may ask for."""

    name: str
    changes: Iterable[str]
    service: NodeService = field(
        default_factory=lambda: NodeService(api_key=MANAGED_KEY, database_url=OLD_DATABASE)
    )

    async def start(self) -> HttpTarget:
        """Start it and return it as a target. Raises TargetUnreachable when it does not start."""
        try:
            await asyncio.to_thread(self.service.start)
        except NodeUnavailable as error:
            raise TargetUnreachable(str(error)) from error

        async def restart() -> None:
            try:
                await asyncio.to_thread(self.service.restart)
            except NodeUnavailable as error:
                raise TargetUnreachable(str(error)) from error

        async def nothing() -> None:
            """It talks to neither LiveKit nor its database, so their faults change nothing."""

        hooks: dict[str, Hook] = dict.fromkeys(self.changes, nothing)
        hooks |= dict.fromkeys(("reset", RESTART), to_its_end(restart))
        return HttpTarget(self.name, Address.of(self.service.url), MANAGED_KEY, hooks)

    async def stop(self) -> None:
        """End the process."""
        await asyncio.to_thread(self.service.stop)
