"""Sessions, their leases, events and transcripts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from agent_runtime.domain.errors import RETRY_AFTER, Conflict, InvalidInput, Unavailable
from agent_runtime.domain.job import JobOrder
from agent_runtime.domain.lease import Event, Holder, Holding, LiveSession, Utterance
from agent_runtime.domain.session import (
    NO_LIMITS,
    CreateLimits,
    RepeatableRequest,
    Session,
    SessionStatus,
)


class TenantAtCapacity(Conflict):
    """Raised when the agents of a tenant hold `limit` live sessions; `retry_after` is in seconds."""

    remedy = "end a session of the tenant, or raise its quota (TENANT_MAX_SESSIONS)"
    retry_after = RETRY_AFTER

    def __init__(self, tenant_id: int, limit: int) -> None:
        super().__init__(f"Tenant {tenant_id} is at capacity ({limit} sessions)")


class QueueFull(Unavailable):
    """Raised when `limit` sessions wait for an agent; `retry_after` is in seconds."""

    remedy = "start another worker, or raise SESSION_MAX_WAITING"
    retry_after = RETRY_AFTER

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} sessions wait for an agent, and no more may; try again in 5 s")


class RequestRepeated(Conflict):
    """Raised when another request has stored a session under the same Idempotency-Key."""

    remedy = "return that session"


class RequestInFlight(RequestRepeated):
    """Raised when a request with the same Idempotency-Key is not answered; `retry_after` is in seconds."""

    remedy = "send the request again later"
    retry_after = 1

    def __init__(self) -> None:
        super().__init__(
            "A request with this Idempotency-Key is not answered yet; try again in 1 s"
        )


class RequestDiffers(InvalidInput):
    """Raised when an Idempotency-Key comes again with another body."""

    remedy = "make a new key for each new request"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key came before with another body; make a new key")


class SessionStore(Protocol):
    """The sessions. Methods raise StoreUnavailable."""

    async def create(
        self,
        session: Session,
        limits: CreateLimits = NO_LIMITS,
        request: RepeatableRequest | None = None,
        *,
        is_checked: bool = False,
    ) -> None:
        """Store a connecting session within the agent's capacity and `limits`, atomically.

        With `request`, its answer is remembered as not given yet.

        Raises AgentNotRegistered, TenantMismatch, AgentStopped, AgentAtCapacity, TenantAtCapacity,
        QueueFull, RequestRepeated when the request was stored before, or VariablesUnchecked when the
        agent's texts have variables and the caller has not checked them (`is_checked`); nothing is stored
        then.
        """

    async def create_automatic(self, session: Session, limit: int) -> None:
        """The same for an agent that may be unregistered; `limit` is its capacity."""

    async def get(self, session_id: str) -> Session | None:
        """The session, or None."""

    async def activate(
        self, session_id: str, holder: Holder, agent_version: int | None = None
    ) -> Session:
        """Record that the agent is in the room: take room and lease, make the session active, atomically.

        The session keeps `agent_version`, the version of the agent's registration.

        Raises SessionNotFound, SessionOver when the session is final, SessionHeld when another job
        holds it or a later dispatch exists, RoomTaken when another session's agent holds the room. A
        second call changes nothing.
        """

    async def finish(
        self,
        session_id: str,
        status: SessionStatus,
        reason: str | None = None,
        *,
        by: Holder | None = None,
    ) -> Session | None:
        """End a live session as `status` (ended or error) with its duration; frees its capacity.

        Leaves a session unchanged that is final already, or that the job which would end it (`by`) no
        longer holds. Returns the row afterwards; None when there is no such session.
        """

    async def give_up(self, live: LiveSession, reason: str) -> bool:
        """End the session as an error unless a job held it since `live` was read; True when ended."""

    async def heartbeat(self, session_id: str, holder: Holder) -> Holding:
        """Write a heartbeat of the job that holds the session; returns who holds it now."""

    async def set_participant_count(self, session_id: str, count: int) -> None:
        """Store how many participants are in the room, the agent included."""

    async def is_room_of_others(self, room_name: str, tenant_id: int) -> bool:
        """Whether a live session of another tenant is in the room."""

    async def live_sessions(self) -> list[Session]:
        """All sessions that are connecting or active."""

    async def last_ended(self, room_name: str, moment: datetime) -> Session | None:
        """The session of this room that ended last, of those that ended since `moment` (aware, UTC)."""

    async def end_orphans(self) -> list[Session]:
        """End as errors the live sessions that have no lease; returns them as they were.

        Only another version, or a manual change in the database, leaves such rows.
        """


@dataclass(frozen=True, slots=True)
class Remembered:
    """A create with an Idempotency-Key; `session` is None when its row has been deleted since."""

    body: str
    session: Session | None
    session_id: str
    is_answered: bool
    at: datetime


class RequestStore(Protocol):
    """The creates that their clients may send again. Methods raise StoreUnavailable."""

    async def find(self, key: str) -> Remembered | None:
        """The request of this key, unless it is too old."""

    async def answered(self, key: str) -> None:
        """Record that the client is answered with the session."""

    async def forget(self, key: str, session_id: str) -> None:
        """Forget the request that made this session: the next one with the key makes another."""


class TenantStore(Protocol):
    """The platform's tenants. Methods raise StoreUnavailable."""

    async def resource_quota(self, tenant_id: int) -> str | None:
        """The text of the tenant's column `resource_quota`; None when it has none."""


class LeaseStore(Protocol):
    """The leases of the live sessions. Methods raise StoreUnavailable."""

    async def live(self) -> list[LiveSession]:
        """All live sessions with their leases, the oldest first."""

    async def claim(self, session_id: str, holder: Holder) -> int:
        """Take the lease for a job that is about to start; returns the number of dispatches so far.

        Raises SessionHeld when another job has it or a later dispatch exists, SessionOver when there is
        no such live session.
        """

    async def order(self, session_id: str) -> JobOrder | None:
        """What a job for the session would be dispatched with; None when it has a job, or is over."""

    async def release(self, session_id: str, holder: Holder, why: str) -> bool:
        """Hand the lease back, or take it from a job of that worker that is known to be dead.

        Returns False when the holder did not have it.
        """

    async def expire(self, live: LiveSession, why: str) -> bool:
        """Take the lease from a job without a heartbeat since `live` was read; True when taken."""

    async def record_dispatch(self, live: LiveSession, why: str) -> bool:
        """Record that another agent is about to be dispatched; False when another process did."""

    async def is_live(self, room_name: str) -> bool:
        """Whether a live session is in this room."""

    async def lost_by(self, session_id: str) -> str | None:
        """The worker that lost the session last; None when no worker has."""

    async def mark_refused(self, session_id: str) -> None:
        """Record that a worker refused the job: the session waits, unless a job holds it by now."""


class EventStore(Protocol):
    """The events of the sessions. Methods raise StoreUnavailable."""

    async def read(self, session_id: str, after: int = 0) -> list[tuple[int, Event]]:
        """The events of a session after number `after`, in order, each with its number."""


class Retention(Protocol):
    """Deletes what is kept for longer than the settings allow. Methods raise StoreUnavailable."""

    async def round(self, now: datetime) -> int:
        """Delete some of what is due at `now` (aware, UTC), for a bounded time; how many rows changed."""


class TranscriptStore(Protocol):
    """The transcripts of the live sessions. Methods raise StoreUnavailable."""

    async def add(self, session_id: str, utterance: Utterance, *, sealed: bool = False) -> None:
        """Append an utterance; does nothing for a session that is over.

        With `sealed` nobody can read it who has not the session's key, which goes with the session.
        """

    async def read(self, session_id: str) -> list[Utterance]:
        """All utterances so far, in order."""

    async def clear(self) -> None:
        """Delete the transcripts of sessions that are over."""
