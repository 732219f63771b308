"""What can go wrong, in the domain's own words.

AgentRuntimeError            base of all below
├── InvalidAgentConfig       a configuration that no agent can run with; names every field
├── AgentNotRegistered       a session was asked of an agent that nobody registered
├── AgentAtCapacity          the agent holds as many live sessions as it may
├── AgentUnknown             neither registered nor a row of the agents table
├── SessionNotFound          no session has this id
├── SessionOver              the session is final and takes no further change
├── RoomTaken                another session's agent is already in the room
├── SessionHeld              another job has the session
├── NoWorkerFree             every worker is full, and callers are not to wait
├── StoreUnavailable         the database cannot be reached or answered too late
├── RoomsUnavailable         the LiveKit server cannot be reached or refused the request
└── CannotBegin              the machine lacks what a process needs: an address, room for a socket
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass


class AgentRuntimeError(Exception):
    """Base of every error that the runtime raises on purpose."""


@dataclass(frozen=True, slots=True)
class ConfigIssue:
    """One fault of a configuration: where it is, what is wrong, and what would be right."""

    path: tuple[str | int, ...]
    message: str

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.path)) or 'config'}: {self.message}"


class InvalidAgentConfig(AgentRuntimeError):
    """A configuration that no agent can run with; `issues` names every faulty field."""

    def __init__(self, issues: Sequence[ConfigIssue]) -> None:
        super().__init__("; ".join(map(str, issues)))
        self.issues = tuple(issues)


class AgentNotRegistered(AgentRuntimeError):
    """A session was asked of an agent that nobody registered."""

    def __init__(self, agent_id: int) -> None:
        super().__init__(f"Agent {agent_id} not registered")
        self.agent_id = agent_id


class AgentAtCapacity(AgentRuntimeError):
    """The agent already holds `limit` live sessions."""

    def __init__(self, agent_id: int, limit: int) -> None:
        super().__init__(f"Agent {agent_id} is at capacity ({limit} sessions)")
        self.agent_id = agent_id
        self.limit = limit


class AgentUnknown(AgentRuntimeError):
    """The agent is neither registered nor a usable row of the agents table."""

    def __init__(
        self, agent_id: int, why: str = "neither registered nor in the agents table"
    ) -> None:
        super().__init__(f"Agent {agent_id} is unknown: {why}")
        self.agent_id = agent_id


class SessionNotFound(AgentRuntimeError):
    """No session has this id."""

    def __init__(self, session_id: str) -> None:
        super().__init__(f"Session {session_id} not found")
        self.session_id = session_id


class SessionOver(AgentRuntimeError):
    """The session is ended or failed; both are final."""

    def __init__(self, session_id: str, status: str) -> None:
        super().__init__(f"Session {session_id} is over ({status})")
        self.session_id = session_id
        self.status = status


class RoomTaken(AgentRuntimeError):
    """Another session's agent is in the room; a room has one agent at a time."""

    def __init__(self, room_name: str) -> None:
        super().__init__(f"Room {room_name} already has an agent of another session")
        self.room_name = room_name


class SessionHeld(AgentRuntimeError):
    """Another job has the session; whoever meets this leaves it alone."""

    def __init__(self, session_id: str) -> None:
        super().__init__(f"Session {session_id} is held by another job")
        self.session_id = session_id


class NoFreeWorker(AgentRuntimeError):
    """Every worker is full, and callers are not to wait; `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"All workers are full; try again in {retry_after} s")
        self.retry_after = retry_after


class StoreUnavailable(AgentRuntimeError):
    """The database cannot be reached, or answered too late; nothing was acknowledged."""


class LiveKitUnavailable(AgentRuntimeError):
    """The LiveKit server cannot be reached, or refused the request."""


class CannotStart(AgentRuntimeError):
    """The machine lacks what a process needs; the message says what, and which setting helps."""

    @classmethod
    def on(cls, host: str, port: int, error: OSError, *, what: str, settings: str) -> CannotStart:
        """`what` cannot listen there; `settings` names the variables of host and port."""
        # An address that is not known has a number of its own (gai_strerror(3)), below zero.
        number = error.errno or 0
        why = os.strerror(number) if number > 0 else error.strerror or str(error)
        return cls(
            f"{what} cannot listen on {host} port {port}: {why}; "
            f"set {settings} to an address that is ours and free"
        )
