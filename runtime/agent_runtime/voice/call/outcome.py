"""How a call leaves its session: ended for good, or given back for another job to go on with."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Final

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.domain.lease import Holder
from agent_runtime.domain.session import SessionStatus
from agent_runtime.voice.jobs.stores import Stores

logger = logging.getLogger(__name__)

# The final row is worth some patience: tries, and seconds between them.
FINISH_TRIES: Final = 5
FINISH_PAUSE: Final = 1.0


class OutcomeWriter:
    """Writes the last of one session. What fails is logged: a job that ends tells nobody else."""

    def __init__(self, stores: Stores, session_id: str, holder: Holder) -> None:
        self._stores = stores
        self._session_id = session_id
        self._holder = holder

    async def finish(self, status: SessionStatus, reason: str) -> None:
        """Make the row final."""
        for attempt in range(1, FINISH_TRIES + 1):
            try:
                await self._stores.sessions.finish(
                    self._session_id, status, reason, by=self._holder
                )
            except StoreUnavailable as error:
                logger.warning("final row not written, try %d: %s", attempt, error)
            except Exception:  # whatever the database says may be said once only
                logger.exception("final row not written, try %d", attempt)
            else:
                return
            await asyncio.sleep(FINISH_PAUSE)
        logger.error("final row not written", extra={"status": status.value, "reason": reason})

    async def release(self, why: str) -> None:
        """Give the session back."""
        try:
            await self._stores.leases.release(self._session_id, self._holder, why)
        except StoreUnavailable as error:
            # Without a heartbeat the lease runs out by itself.
            logger.warning("session not given back: %s", error)
        except Exception:
            logger.exception("session not given back")


async def logged(what: str, work: Awaitable[None]) -> None:
    """Do it; when it fails the log says so, and what comes after is done all the same."""
    try:
        await work
    except Exception:
        logger.exception("%s failed", what)


def outcome_of(why: str) -> tuple[SessionStatus, str]:
    """How a call ended that did not say so itself; `why` is the framework's word for it."""
    if why == "parent process shutdown":
        return SessionStatus.ENDED, "the worker was shut down"
    return SessionStatus.ERROR, f"the job ended before the call did: {why}"
