"""What the use cases need from the outside: storage and rooms implement these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from agent_runtime.domain.agent import AgentStatus, Registration
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

    async def activate(self, session_id: str) -> Session:
        """The agent is in the room: connecting becomes active and the room is taken, atomically.

        Raises SessionNotFound, SessionOver when it is final, RoomTaken when another session's agent
        holds the room. Activating an active session again changes nothing.
        """

    async def finish(
        self, session_id: str, status: SessionStatus, reason: str | None = None
    ) -> Session | None:
        """End a live session as `status` (ended or error) with its duration; frees its capacity.

        A session that is final already stays as it is. Returns the row afterwards; None if unknown.
        """

    async def touch(self, session_id: str, participant_count: int) -> SessionStatus | None:
        """Heartbeat of a live call; returns the stored status (None if unknown)."""

    async def live_sessions(self) -> list[Session]:
        """All sessions that are connecting or active."""


class MetricsStore(Protocol):
    """Figures. Every method raises StoreUnavailable when the database is away."""

    async def agent(self, agent_id: int, dates: DateRange) -> AgentMetrics:
        """Figures of an agent; zeros when it had no session in the range."""

    async def tenant(self, tenant_id: int, dates: DateRange) -> TenantMetrics:
        """Figures of a tenant; zeros when it had no session in the range."""

    async def session(self, session_id: str) -> SessionMetrics | None:
        """Figures of a session; zeros before its first turn, None when there is no such session."""

    async def record(self, session_id: str, totals: SessionTotals) -> None:
        """Write what the session amounts to so far."""


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
