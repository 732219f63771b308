"""How a call ends: which cause counts, and what becomes of its session."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from livekit import rtc
from livekit.agents import AgentSession, CloseEvent, CloseReason, JobContext

from agent_runtime.domain.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    SessionHeld,
    StoreUnavailable,
    Unavailable,
)
from agent_runtime.domain.lease import Holder
from agent_runtime.domain.session import CALLER_LEFT, WORKER_SHUT_DOWN, SessionStatus
from agent_runtime.secrecy.known import without_known
from agent_runtime.secrecy.shown import without_bodies
from agent_runtime.secrecy.urls import hide_in_text
from agent_runtime.voice.call.room.room_log import LOST_CONNECTION, disconnect_reason
from agent_runtime.voice.jobs.stores import Stores

logger = logging.getLogger(__name__)

# Attempts to write the final row, and seconds between them. If all fail, the session stays live until its
# lease expires.
FINISH_TRIES: Final = 5
FINISH_PAUSE: Final = 1.0
# Errors that refuse a job for good; their text goes to the log and into the session's row.
REFUSALS: Final = (InvalidInput, NotFound, Conflict)
# Errors that stop a job before its call. Another job can retry unless the error is in REFUSALS; after
# SessionHeld, which is a Conflict, another job already has the session.
CANNOT_START: Final = (*REFUSALS, Unavailable, rtc.ConnectError)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Why a call ended. A `status` of None hands the session back: another job continues it.

    The reason goes to logs, LiveKit and the session's row. Secrets, which a provider may quote, are hidden.
    """

    status: SessionStatus | None
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", hide_in_text(without_known(self.reason)))

    @property
    def is_handed_back(self) -> bool:
        """Whether another job continues the session."""
        return self.status is None


class JobExit:
    """Decides the outcome of a call, and has LiveKit end the job. The first cause counts."""

    def __init__(self, job: JobContext, *, is_automatic: bool) -> None:
        self._job = job
        self._is_automatic = is_automatic
        # None while the call goes on.
        self.outcome: Outcome | None = None
        # What may be kept of a reason, once it is known.
        self._shown: Callable[[str], str] = str

    def show_reasons(self, shown: Callable[[str], str]) -> None:
        """Keep of each reason from now on what `shown` returns."""
        self._shown = shown

    def listen_to(self, session: AgentSession[Any]) -> None:
        """End the job with an error when the session closes with one."""
        session.on("close", self._on_session_closed)

    def watch(self, room: rtc.Room) -> None:
        """End the call or hand the session back when the room disconnects, by its reason."""
        room.on("disconnected", self._on_room_disconnected)

    def end(self, status: SessionStatus, reason: str) -> None:
        """End the call for good."""
        outcome = Outcome(status, reason)
        self._decide(outcome)
        self._job.shutdown(outcome.reason)

    def fail(self, reason: str) -> None:
        """End the call with an error."""
        self.end(SessionStatus.ERROR, reason)

    def refuse(self, error: Exception) -> None:
        """End a job that cannot start its call, because of an error of `CANNOT_START`."""
        if isinstance(error, SessionHeld):
            self.hand_back(str(error))
        elif isinstance(error, REFUSALS):
            logger.warning("job refused: %s", error)
            self.fail(str(error))
        else:
            self.hand_back(f"{type(error).__name__}: {error}")

    def crash(self, error: Exception) -> None:
        """Record an error that ends the job by itself."""
        self._decide(Outcome(SessionStatus.ERROR, f"{type(error).__name__}: {error}"))

    def hand_back(self, why: str) -> None:
        """End the job, but let another one continue the session."""
        if self.outcome is None:
            outcome = Outcome(None, why)
            logger.warning("session handed back: %s", outcome.reason)
            self._decide(outcome)
            self._job.shutdown(outcome.reason)

    def caller_left(self) -> None:
        """End the call because its last caller is gone; the room has been looked at."""
        if self._is_automatic:
            # LiveKit dispatches into a room once. A caller who joins this one next, after a reload of the
            # page for instance, has to find a new room, and an agent in it.
            self._job.delete_room()
        self.end(SessionStatus.ENDED, CALLER_LEFT)

    def outcome_after(self, shutdown_reason: str) -> Outcome:
        """The outcome so far, else what `shutdown_reason`, the framework's word, means for the session."""
        if self.outcome is not None:
            return self.outcome
        if shutdown_reason == "parent process shutdown":
            return Outcome(SessionStatus.ENDED, WORKER_SHUT_DOWN)
        return Outcome(SessionStatus.ERROR, f"the job ended before the call did: {shutdown_reason}")

    def _decide(self, outcome: Outcome) -> None:
        if self.outcome is None:
            self.outcome = Outcome(outcome.status, self._shown(outcome.reason))

    def _on_room_disconnected(self, reason: int) -> None:
        if reason == rtc.DisconnectReason.CLIENT_INITIATED:
            return  # by the job at its end, which has a cause of its own
        why = f"left the room: {disconnect_reason(reason)}"
        if reason == rtc.DisconnectReason.DUPLICATE_IDENTITY:
            why += ", another participant joined under the agent's identity"
        if reason in LOST_CONNECTION:
            self.hand_back(why)
        else:
            self._decide(Outcome(SessionStatus.ENDED, why))

    def _on_session_closed(self, event: CloseEvent) -> None:
        if event.reason is CloseReason.ERROR:
            error = getattr(event.error, "error", event.error)
            kind = getattr(event.error, "type", "unknown")  # stt_error, llm_error, tts_error
            self.fail(f"the pipeline failed ({kind}): {without_bodies(str(error))}")


class OutcomeWriter:
    """Writes the outcome of one session. An error is logged, since the job ends and has no caller."""

    def __init__(self, stores: Stores, session_id: str, holder: Holder) -> None:
        self._stores = stores
        self._session_id = session_id
        self._holder = holder

    async def write(self, outcome: Outcome) -> None:
        """Make the session's row final, or give the session back."""
        if outcome.status is None:
            await self._release(outcome.reason)
        else:
            await self._finish(outcome.status, outcome.reason)

    async def _finish(self, status: SessionStatus, reason: str) -> None:
        for attempt in range(1, FINISH_TRIES + 1):
            try:
                await self._stores.sessions.finish(
                    self._session_id, status, reason, by=self._holder
                )
            except StoreUnavailable as error:
                logger.warning("final row not written, try %d: %s", attempt, error)
            except Exception:  # any other error of the database may be gone at the next attempt
                logger.exception("final row not written, try %d", attempt)
            else:
                return
            await asyncio.sleep(FINISH_PAUSE)
        logger.error("final row not written", extra={"status": status.value, "reason": reason})

    async def _release(self, why: str) -> None:
        try:
            await self._stores.leases.release(self._session_id, self._holder, why)
        except StoreUnavailable as error:
            # Without heartbeats the lease expires by itself.
            logger.warning("session not given back: %s", error)
        except Exception:
            logger.exception("session not given back")
