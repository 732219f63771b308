"""The testbed of the agent API: the Node.js stand-in twice, our API once for each database."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from contract.agent_api.services.coverage import SOURCE, CoverageMeter
from contract.agent_api.services.new_service import new_service
from contract.agent_api.services.old_service import OldService
from contract.api.profile import ApiProfile
from contract.targets.http_target import HttpTarget
from contract.targets.testbed import Coverage, Testbed


class AgentServices:
    """Starts the services; a variant is a database."""

    variants: tuple[str, ...] = ("sqlite", "postgresql")

    @asynccontextmanager
    async def testbed(
        self, profile: ApiProfile, variants: tuple[str, ...]
    ) -> AsyncIterator[Testbed]:
        """All services. The testbed's coverage is known after the block."""
        coverage = Coverage(SOURCE)
        with tempfile.TemporaryDirectory(prefix="parity-coverage-") as folder:
            meter = CoverageMeter(Path(folder))
            async with AsyncExitStack() as stack:
                start = stack.enter_async_context
                old, again = [await start(_old(name, profile)) for name in ("old", "old-again")]
                news = tuple(
                    [await start(new_service(kind, profile.faults, meter)) for kind in variants]
                )
                yield Testbed(old, again, news, profile.faults, profile.watching, coverage)
            coverage.percent = await asyncio.to_thread(meter.percent)

    @asynccontextmanager
    async def old(self, profile: ApiProfile) -> AsyncIterator[HttpTarget]:
        """One fresh old service, to record."""
        async with _old("old", profile) as target:
            yield target


@asynccontextmanager
async def _old(name: str, profile: ApiProfile) -> AsyncIterator[HttpTarget]:
    service = OldService(name, (*profile.faults.keys(), *profile.faults.values(), *profile.changes))
    try:
        yield await service.start()
    finally:
        await service.stop()
