"""Direct dispatch: the worker starts a job itself when the API notifies it, before LiveKit offers the job.

livekit-server holds every offer back for 0.2 s (psrpc's `DefaultAffinityShortCircuit`), whether or not
another server could make a better one. A worker that receives the API's notification claims the session and
joins its room with a token of its own; the offer that follows finds the session held and is refused.
If direct dispatch fails, LiveKit's offer starts the job.
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
from agent_runtime.settings import LiveKitSettings
from agent_runtime.voice.jobs.metadata import direct_dispatch_room
from agent_runtime.voice.worker.admission import Admission, ClaimedSession

logger = logging.getLogger(__name__)

# Seconds to wait for another launch to finish; after that LiveKit's offer is as quick.
MAX_LAUNCH_WAIT: Final = 0.15
# Seconds that a full worker would wait before it claims, so that an emptier one comes first; others wait in
# proportion to their calls.
MAX_HEAD_START: Final = 0.1
# Validity of a token, as LiveKit's own in an assignment.
TOKEN_VALIDITY: Final = timedelta(hours=1)


class DirectDispatch:
    """Claims and starts the sessions that `listener` reports."""

    def __init__(
        self,
        server: AgentServer,
        admission: Admission,
        livekit: LiveKitSettings,
        listener: DispatchListener,
    ) -> None:
        self._server = server
        self._admission = admission
        self._livekit = livekit
        self._listener = listener
        # The agent server launches such jobs one at a time. While it waits for a warm process, LiveKit's
        # offers, of which it accepts many at once, are the quicker way.
        self._launching = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Handle notifications until cancelled."""
        async for session_id in self._listener.notices():
            task = asyncio.create_task(self._dispatch(session_id))
            self._tasks.add(task)
            task.add_done_callback(partial(self._on_done, session_id))

    async def settle(self) -> None:
        """Wait until each dispatch begun so far is launched or released."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _on_done(self, session_id: str, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # The claim is released with the vanished job, and the session dispatched again.
            logger.error("direct dispatch failed", exc_info=error, extra={"session": session_id})

    async def _dispatch(self, session_id: str) -> None:
        await asyncio.sleep(self._admission.head_start * MAX_HEAD_START)
        async with self._launch_slot() as is_free:
            if not is_free:
                return
            # Anybody who reaches the database may have sent the notice: the session's rows decide.
            order = await self._admission.claims.order(session_id)
            if order is None:
                return
            claimed = await self._admission.claim_directly(order.room_name, order.metadata)
            if claimed is not None:
                await self._launch(order.room_name, order.metadata, claimed)

    @asynccontextmanager
    async def _launch_slot(self) -> AsyncIterator[bool]:
        """Wait for other launches; yields False when they take too long."""
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(MAX_LAUNCH_WAIT):
                    await held.enter_async_context(self._launching)
            except TimeoutError:
                yield False
                return
            yield True

    async def _launch(self, room_name: str, metadata: str, claimed: ClaimedSession) -> None:
        with self._admission.launching(claimed):
            await self._server.simulate_job(
                room_name,
                room_info=direct_dispatch_room(room_name, metadata, claimed.holder),
                token=self._token(room_name, claimed),
            )

    def _token(self, room_name: str, claimed: ClaimedSession) -> str:
        """Return a token as LiveKit would have put it into the assignment."""
        livekit = self._livekit
        grants = api.VideoGrants(
            room_join=True, room=room_name, agent=True, can_update_own_metadata=True
        )
        token = api.AccessToken(livekit.api_key, livekit.api_secret.get_secret_value())
        token = token.with_identity(claimed.identity).with_name(claimed.name).with_kind("agent")
        return token.with_ttl(TOKEN_VALIDITY).with_grants(grants).to_jwt()
