"""Creates with an Idempotency-Key: a client that sends one again gets the session of the first one.

The semantics are those of the IETF draft "The Idempotency-Key HTTP Header Field": the same key with the
same body has the same answer, with another body it is an error, and so it is while the first is not
answered. A request that failed has no answer to repeat, so its key is free again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from agent_runtime.domain.clock import MACHINE, Clock
from agent_runtime.domain.errors import Conflict, LiveKitUnavailable, StoreUnavailable
from agent_runtime.domain.ports.sessions import (
    Remembered,
    RequestDiffers,
    RequestInFlight,
    RequestRepeated,
    RequestStore,
)
from agent_runtime.domain.session import RepeatableRequest, Session, SessionStatus

logger = logging.getLogger(__name__)

# Seconds that a request waits for the answer of the first one: LiveKit's timeout and the database's.
WAIT: Final = 3.0
# Seconds between two looks at the first one.
PAUSE: Final = 0.1
# After this time the process that was to answer is gone: no request takes longer. Its session lives, and is
# the answer.
GONE_AFTER: Final = timedelta(seconds=10)


class RepeatedRequests:
    """Runs each request once."""

    def __init__(self, requests: RequestStore, clock: Clock = MACHINE) -> None:
        self._requests = requests
        self._clock = clock

    async def create(
        self, request: RepeatableRequest, make: Callable[[], Awaitable[Session]]
    ) -> Session:
        """The session that `make` creates, or that an earlier request with this key has created.

        Raises RequestDiffers, RequestInFlight, and the errors of `make`.
        """
        until = self._clock.steady() + WAIT
        while True:
            if (found := await self._requests.find(request.key)) is not None:
                if found.body != request.body:
                    raise RequestDiffers
                session = await self._of(found, request.key)
                if session is not None:
                    return session
            if found is None:
                try:
                    return await self._first(request, make)
                except RequestRepeated:
                    pass
                except Conflict:
                    # The request that came first may have taken the last place.
                    if await self._requests.find(request.key) is None:
                        raise
            if self._clock.steady() > until:
                raise RequestInFlight
            await asyncio.sleep(PAUSE)

    async def _first(
        self, request: RepeatableRequest, make: Callable[[], Awaitable[Session]]
    ) -> Session:
        try:
            session = await make()
        except (LiveKitUnavailable, StoreUnavailable):
            await self._forget_failed(request.key)
            raise
        try:
            await self._requests.answered(request.key)
        except StoreUnavailable as error:
            # The session is there, and after a while it is the answer all the same.
            logger.warning("the answer to a create is not remembered yet: %s", error)
        return session

    async def _of(self, found: Remembered, key: str) -> Session | None:
        """The session that answers a request again; None while there is none."""
        session = found.session
        if session is None or (not found.is_answered and session.status is SessionStatus.ERROR):
            await self._requests.forget(key, found.session_id)
            return None
        if found.is_answered:
            return session
        if self._clock.wall() - found.at > GONE_AFTER:
            await self._requests.answered(key)
            return session
        return None

    async def _forget_failed(self, key: str) -> None:
        try:
            found = await self._requests.find(key)
            if found is not None and not found.is_answered:
                await self._requests.forget(key, found.session_id)
        except StoreUnavailable as error:
            # Its session ends as an error, and the next request with the key sees that.
            logger.warning("a create that failed is not forgotten yet: %s", error)
