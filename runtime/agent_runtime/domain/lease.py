"""Which job holds a live session: the lease, and how far the session's agent has come.

    asked ──> starting ──> talking
      │  ^        │           │
      v  │        v           v
    waiting <─────┴───────────┘       the job died, fell silent, or handed the session back

`asked`: an agent was dispatched. `starting`: a worker accepted the job and claimed the session.
`talking`: the agent has joined the room. A job that loses the lease leaves the room, so a room never
has two agents.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from agent_runtime.domain.session import Session


class Phase(StrEnum):
    """How far the agent of a live session has come."""

    ASKED = "asked"
    WAITING = "waiting"
    STARTING = "starting"
    TALKING = "talking"


@dataclass(frozen=True, slots=True)
class Holder:
    """The job (LiveKit's id) that holds a session, and the worker it runs on.

    `dispatch` is the number of the dispatch that brought the job, 0 when it is not known. Once a later
    dispatch exists, the job may not take the session any more.
    """

    job: str
    worker: str
    dispatch: int = field(default=0, compare=False)


class Holding(StrEnum):
    """Who holds the session, as a job learns with its heartbeat."""

    OURS = "ours"
    FREE = "free"  # the lease was taken from us, and no other job has it yet
    THEIRS = "theirs"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session that is not over, with its lease.

    `beats` changes with every heartbeat and every change of holder, so that a lease is watched without
    comparing clocks. `dispatches` counts the dispatches so far. `lost_by` is the worker that held the
    session last. `variables` go into the metadata of every dispatch.
    """

    session: Session
    phase: Phase
    holder: Holder | None
    beats: int
    dispatches: int
    lost_by: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    heartbeat_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a session; `kind` is a value of `EventKind`."""

    at: datetime
    kind: str
    detail: str


class EventKind(StrEnum):
    """What can happen to a session."""

    CREATED = "created"
    ASKED = "asked"  # another agent was dispatched
    CLAIMED = "claimed"  # a worker accepted the job
    TALKING = "talking"  # the agent is in the room
    LOST = "lost"  # its job died, fell silent, or handed the session back
    ENDED = "ended"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Utterance:
    """One message of a conversation: `role` is user or assistant."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class WorkerState:
    """A worker's report of itself; `beat` changes with every report.

    `active` and `handled` count calls, now and since the start. `free` is how many more calls the
    worker would take now; 0 while it drains or is overloaded.
    """

    name: str
    beat: str
    status: str
    active: int
    free: int
    handled: int = 0
    cpu_percent: int | None = None
    memory_mb: int | None = None
    # By latency of a turn, since the start: how many turns had it, and the sum of their seconds.
    turns: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    # Providers whose package the worker has, and whether it has a key; None from an older version.
    serves: Mapping[str, bool] | None = None
