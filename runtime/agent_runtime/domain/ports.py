"""What the use cases need from the outside: storage and rooms implement these."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from agent_runtime.domain.agent import AgentStatus, Registration
from agent_runtime.domain.lease import Event, Holder, Holding, Instance, LiveSession, Utterance
from agent_runtime.domain.metrics import (
    AgentMetrics,
    DateRange,
    SessionMetrics,
    SessionTotals,
    TenantMetrics,
)
from agent_runtime.domain.session import Session, SessionStatus


class AgentRegistry(Protocol):
    """The registered agents. Every method raises StoreUnavailable when the database is away."""

    async def register(self, registration: Registration) -> None:
        """Store it, or replace what was stored; the place in the order of registration stays."""

    async def unregister(self, agent_id: int) -> list[Session]:
        """Forget the agent and end its live sessions, in one transaction; returns those ended."""

    async def get(self, agent_id: int) -> Registration | None:
        """The registration, or None."""

    async def status(self, agent_id: int) -> AgentStatus:
        """Whether it is registered, and how many sessions it holds."""

    async def list_ids(self) -> list[int]:
        """Ids of all registered agents, in the order of their first registration."""

    async def agent_row(self, agent_id: int) -> Mapping[str, Any] | None:
        """The agent's row of the `agents` table by column name, or None."""


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

    async def beat(self, session_id: str, holder: Holder) -> Holding:
        """Heartbeat of the job that holds the session; tells whether it still does."""

    async def count_participants(self, session_id: str, count: int) -> None:
        """How many are in the room, the agent included."""

    async def live_sessions(self) -> list[Session]:
        """All sessions that are connecting or active."""

    async def any_since(self, room_name: str, moment: datetime) -> bool:
        """Whether a session of this room has begun since then, whatever became of it."""

    async def mend(self) -> list[Session]:
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

    async def ask(self, live: LiveSession, why: str) -> bool:
        """Note that an agent is about to be asked for again; False when somebody else did."""

    async def lost_by(self, session_id: str) -> str | None:
        """The worker that lost the session last; None when none did."""

    async def not_taken(self, session_id: str) -> None:
        """A worker refused the job: the session waits, unless it is held meanwhile."""


class ConversationStore(Protocol):
    """What was said in the live sessions. Methods raise StoreUnavailable."""

    async def add(self, session_id: str, utterance: Utterance) -> None:
        """Append; nothing of a session that is over is kept."""

    async def so_far(self, session_id: str) -> list[Utterance]:
        """All of it, in order."""

    async def clear(self) -> None:
        """Forget what was said in sessions that are over."""


class InstanceStore(Protocol):
    """The workers, as they tell of themselves. Methods raise StoreUnavailable."""

    async def tell(self, instance: Instance, started_at: datetime) -> None:
        """Write how a worker is."""

    async def all(self) -> list[Instance]:
        """Every worker that has not said goodbye; which of them live shows in their beats."""

    async def bury(self, name: str) -> None:
        """The worker is gone without a goodbye."""

    async def forget(self, now: datetime, older_than: timedelta) -> None:
        """Delete the row of the oldest worker that stopped, or was buried, and said nothing since."""


class Bell(Protocol):
    """Tells the workers of a session sooner than LiveKit does, which makes up for what is not heard."""

    def ring(self, room_name: str, metadata: str) -> None:
        """An agent was asked for; `metadata` is that of the dispatch. Neither waits nor fails."""


class Ear(Protocol):
    """Hears the bell, in a worker."""

    def rings(self) -> AsyncIterator[tuple[str, str]]:
        """Room name and metadata of each session that is asked for; without end, never fails."""


class Guard(Protocol):
    """The right to act, which one process at a time has."""

    async def hold(self) -> bool:
        """Whether we have it, asked each time before acting. Raises StoreUnavailable."""

    async def close(self) -> None:
        """Give it up."""


class Places(Protocol):
    """Whether a new session would get an agent at once."""

    async def retry_after(self) -> int | None:
        """Seconds after which to try again when all workers are full; None when one is free."""


class EventStore(Protocol):
    """What happened to the sessions. Methods raise StoreUnavailable."""

    async def of(self, session_id: str, after: int = 0) -> list[tuple[int, Event]]:
        """The events of a session behind the one numbered `after`, in order, with their numbers."""

    async def clear(self, now: datetime, older_than: timedelta) -> None:
        """Forget old events."""


class MetricsStore(Protocol):
    """Figures. Every method raises StoreUnavailable when the database is away."""

    async def agent(self, agent_id: int, dates: DateRange) -> AgentMetrics:
        """Figures of an agent; zeros when it had no session in the range."""

    async def tenant(self, tenant_id: int, dates: DateRange) -> TenantMetrics:
        """Figures of a tenant; zeros when it had no session in the range."""

    async def session(self, session_id: str) -> SessionMetrics | None:
        """Figures of a session; zeros before its first turn, None when there is no such session."""

    async def record(self, session_id: str, totals: SessionTotals, row: int | None) -> int | None:
        """Write what one agent's part of the session amounts to so far; the others' stay as they are.

        Returns what to give as `row` the next time; None, as at the first time, writes a new one. None
        for no such session.
        """


class Health(Protocol):
    """Whether a thing that the runtime depends on is there."""

    async def check(self) -> None:
        """Return when usable; else raise StoreUnavailable or RoomsUnavailable with the reason."""


class Rooms(Health, Protocol):
    """The LiveKit server, as far as sessions need it. Raises RoomsUnavailable."""

    async def dispatch(self, session: Session, variables: Mapping[str, Any]) -> None:
        """Ask for an agent in the session's room, once; makes the room when there is none."""

    async def remove_agent(self, session: Session) -> None:
        """Take the session's agent out of its room; nothing happens when it is not there."""

    async def dispatch_again(
        self, session: Session, variables: Mapping[str, Any], number: int
    ) -> None:
        """Ask for the `number`th agent; what came of earlier dispatches goes, of later ones stays."""

    async def callers(self, room_name: str) -> int:
        """How many who are no agents are in the room; 0 when there is no such room."""

    async def occupied(self) -> Mapping[str, datetime]:
        """The rooms that somebody is in, and when each was made."""

    async def dispatch_automatic(self, room_name: str) -> None:
        """Ask for whichever agent the room is named after, as LiveKit does for a new room."""

    async def close_room(self, room_name: str) -> None:
        """Send everybody out of the room; nothing happens when there is none."""
