"""Who holds a live session: the lease that a worker's job has on it, and how far its agent has come.

    asked ──> starting ──> talking
      │  ^        │           │
      v  │        v           v
    waiting <─────┴───────────┘       the job died, fell silent, or gave it back

A dispatch is asked for; a worker that takes the job claims the session (`starting`); the agent
joins (`talking`). Whoever loses the lease leaves the room: there is never a second agent.
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

    `dispatch` is which of the session's dispatches brought the job, 0 when that did not say: once
    another one was asked for, it is too late to take the session.
    """

    job: str
    worker: str
    dispatch: int = field(default=0, compare=False)


class Holding(StrEnum):
    """What a job learns with its heartbeat."""

    OURS = "ours"
    FREE = "free"  # it was taken from us, and nobody has it yet
    THEIRS = "theirs"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session that is not over, with its lease.

    `beats` changes with every heartbeat and every change of hands, so that a lease is watched
    without comparing anybody's clock. `dispatches` counts how often an agent was asked for.
    `lost_by` is the worker that had it last. `variables` go into the metadata of every dispatch.
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
    """Something that happened to a session; `kind` is a word of `EventKind`."""

    at: datetime
    kind: str
    detail: str


class EventKind(StrEnum):
    """What can happen to a session."""

    CREATED = "created"
    ASKED = "asked"  # a dispatch, again
    CLAIMED = "claimed"  # a worker took the job
    TALKING = "talking"  # the agent is in the room
    LOST = "lost"  # its job died, fell silent, or gave it back
    ENDED = "ended"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Utterance:
    """One message of a conversation: `role` is user or assistant."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class WorkerState:
    """A worker as it tells of itself; `beat` changes with every word of it.

    `free` is how many calls it would take now; 0 while it drains or is overloaded.
    """

    name: str
    beat: str
    status: str
    active: int
    free: int
    handled: int = 0
    cpu_percent: int | None = None
    memory_mb: int | None = None
    # Of the turns since it started: how many had the figure of this name, and the sum of their seconds.
    turns: Mapping[str, tuple[int, float]] = field(default_factory=dict)
