"""Sessions, their leases, their events, what was said in them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from agent_runtime.domain.lease import Event, Holder, Holding, LiveSession, Utterance
from agent_runtime.domain.session import Session, SessionStatus


class SessionStore(Protocol):
    """The sessions. Every method raises StoreUnavailable when the database is away."""

    async def create(self, session: Session) -> None:
        """Store a connecting session and take one place of the agent's capacity, atomically.

        Raises AgentNotRegistered or AgentAtCapacity; nothing is stored then.
        """

    async def create_automatic(self, session: Session, limit: int) -> None:
        """The same for an agent that need not be registered; `limit` is its capacity."""

    async def get(self, session_id: str) -> Session | None:
        """The session, or None."""

    async def activate(self, session_id: str, holder: Holder) -> Session:
        """The agent is in the room: connecting becomes active, room and lease are taken, atomically.

        Raises SessionNotFound, SessionOver when it is final, SessionHeld when another job has it or
        was asked for since, RoomTaken when another session's agent holds the room. Doing it again
        changes nothing.
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

        A session that is final already stays as it is, and so does one that is no longer held by the
        job that would end it (`by`). Returns the row afterwards; None if unknown.
        """

    async def give_up(self, live: LiveSession, reason: str) -> bool:
        """End as an error what nobody holds or held since `live` was read; whether that was done."""

    async def heartbeat(self, session_id: str, holder: Holder) -> Holding:
        """Heartbeat of the job that holds the session; tells whether it still does."""

    async def set_participant_count(self, session_id: str, count: int) -> None:
        """How many are in the room, the agent included."""

    async def live_sessions(self) -> list[Session]:
        """All sessions that are connecting or active."""

    async def started_since(self, room_name: str, moment: datetime) -> bool:
        """Whether a session of this room has begun since then, whatever became of it."""

    async def end_orphans(self) -> list[Session]:
        """End as errors the sessions that say they live while nothing of ours knows of them.

        Only another version, or a hand in the database, leaves such rows. Returns them as they were.
        """


class LeaseStore(Protocol):
    """Who holds the live sessions. Every method raises StoreUnavailable when the database is away."""

    async def live(self) -> list[LiveSession]:
        """All that live, the oldest first."""

    async def claim(self, session_id: str, holder: Holder) -> int:
        """Take the lease for a job that is about to start; returns how often one was asked for.

        Raises SessionHeld when another job has it or was asked for since, SessionOver when there is
        no such live session.
        """

    async def release(self, session_id: str, holder: Holder, why: str) -> bool:
        """Give the lease back, or take it from a job that is known to be dead on that worker."""

    async def expire(self, live: LiveSession, why: str) -> bool:
        """Take the lease from a job that has not beaten since `live` was read."""

    async def record_dispatch(self, live: LiveSession, why: str) -> bool:
        """Note that an agent is about to be asked for again; False when somebody else did."""

    async def lost_by(self, session_id: str) -> str | None:
        """The worker that lost the session last; None when none did."""

    async def mark_refused(self, session_id: str) -> None:
        """A worker refused the job: the session waits, unless it is held meanwhile."""


class EventStore(Protocol):
    """What happened to the sessions. Methods raise StoreUnavailable."""

    async def read(self, session_id: str, after: int = 0) -> list[tuple[int, Event]]:
        """The events of a session behind the one numbered `after`, in order, with their numbers."""

    async def clear(self, now: datetime, older_than: timedelta) -> None:
        """Forget old events."""


class TranscriptStore(Protocol):
    """What was said in the live sessions. Methods raise StoreUnavailable."""

    async def add(self, session_id: str, utterance: Utterance) -> None:
        """Append; nothing of a session that is over is kept."""

    async def read(self, session_id: str) -> list[Utterance]:
        """All of it, in order."""

    async def clear(self) -> None:
        """Forget what was said in sessions that are over."""
