"""Jobs that LiveKit did not offer: the API rang, and the worker started them itself.

livekit-server holds every offer back for 0.2 s (psrpc's `DefaultAffinityShortCircuit`), whether or not
another server could make a better one. A worker that hears the API's bell claims the session and joins
its room with a token of its own; the offer that follows finds the session held and is refused. Whatever
goes wrong on this shorter way, that offer makes good.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Final

from livekit import api
from livekit.agents import AgentServer

from agent_runtime.domain.ports.workers import DispatchListener
from agent_runtime.voice.jobs.metadata import room_with
from agent_runtime.voice.jobs.settings import VoiceSettings
from agent_runtime.voice.worker.admission import Admission, Claimed

logger = logging.getLogger(__name__)

# Seconds to wait for a launch before ours; after that LiveKit's offer is as quick.
PATIENCE: Final = 0.15
# Seconds that a worker without a free place waits before it claims, so that an emptier one comes first.
MANNERS: Final = 0.1
VALID: Final = timedelta(hours=1)  # as LiveKit's own


class DirectDispatch:
    """Takes the sessions that are rung for."""

    def __init__(
        self,
        server: AgentServer,
        admission: Admission,
        settings: VoiceSettings,
        ear: DispatchListener,
    ) -> None:
        self._server = server
        self._admission = admission
        self._settings = settings
        self._ear = ear
        # The agent server launches one such job at a time; while it waits for a process to be warm,
        # LiveKit's offers, which it takes many at once, are the quicker way.
        self._launching = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until cancelled."""
        async for room_name, metadata in self._ear.notices():
            task = asyncio.create_task(self._take(room_name, metadata))
            self._tasks.add(task)
            task.add_done_callback(partial(self._over, room_name))

    async def settle(self) -> None:
        """Until what has begun by now is launched, or given back."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _over(self, room_name: str, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # What was claimed is given back, and dispatched again.
            logger.error("session not taken", exc_info=error, extra={"room": room_name})

    async def _take(self, room_name: str, metadata: str) -> None:
        await asyncio.sleep(self._admission.manners * MANNERS)
        async with self._turn() as is_ours:
            if not is_ours:
                return
            claimed = await self._admission.claim_unoffered(room_name, metadata)
            if claimed is not None:
                await self._launch(room_name, metadata, claimed)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[bool]:
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(PATIENCE):
                    await held.enter_async_context(self._launching)
            except TimeoutError:
                yield False
                return
            yield True

    async def _launch(self, room_name: str, metadata: str, claimed: Claimed) -> None:
        with self._admission.launching(claimed):
            await self._server.simulate_job(
                room_name,
                room_info=room_with(room_name, metadata, claimed.holder),
                token=self._token(room_name, claimed),
            )

    def _token(self, room_name: str, claimed: Claimed) -> str:
        """What LiveKit would have given with the assignment."""
        livekit = self._settings.livekit
        grants = api.VideoGrants(
            room_join=True, room=room_name, agent=True, can_update_own_metadata=True
        )
        token = api.AccessToken(livekit.api_key, livekit.api_secret.get_secret_value())
        token = token.with_identity(claimed.identity).with_name(claimed.name).with_kind("agent")
        return token.with_ttl(VALID).with_grants(grants).to_jwt()
