"""A session: one conversation of one agent in one room, and its states.

    connecting ──> active ──> ended
        │            │
        ├────────────┼──────> ended      ended over HTTP, or the agent was deleted
        └────────────┴──────> error      no agent came, or it failed

`ended` and `error` are final: no transition leaves them.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

SESSION_ID_LENGTH: Final = 21
# nanoid's alphabet: clients of the Node.js version may match ids against it.
SESSION_ID_ALPHABET: Final = string.ascii_letters + string.digits + "_-"
# Reasons of sessions at whose end no caller was in the room; one who is there afterwards has come since.
CALLER_LEFT: Final = "the caller left"
NO_CALLER_CAME: Final = "no caller came"
# Reasons of sessions that ended at a bound of the call, or because nobody was at the other end.
LONGEST_CALL: Final = "the call reached its longest duration"
CALLER_SILENT: Final = "the caller was silent"
VOICEMAIL: Final = "a voicemail answered"
NO_ANSWER: Final = "nobody answered"
# Reasons of other ends that are no errors.
ENDED_OVER_HTTP: Final = "ended over HTTP"
AGENT_DELETED: Final = "the agent was deleted"
WORKER_SHUT_DOWN: Final = "the worker was shut down"
IDENTITY_PREFIX: Final = "agent-"
# Namespace of deployments that name none; those of one database have each its own.
DEFAULT_NAMESPACE: Final = "livekit"
# Key of the identity of the participant whom the agents of a session serve.
PARTICIPANT_IDENTITY: Final = "participantIdentity"
# Key, in a job's metadata, of the values that a create gave for the variables of the agent's texts.
VARIABLES: Final = "variables"


class SessionStatus(StrEnum):
    """The four states, spelled as in the API and the database."""

    CONNECTING = "connecting"
    ACTIVE = "active"
    ENDED = "ended"
    ERROR = "error"

    @property
    def is_final(self) -> bool:
        """Whether no transition leaves this state."""
        return not TRANSITIONS[self]


TRANSITIONS: Final[Mapping[SessionStatus, frozenset[SessionStatus]]] = {
    SessionStatus.CONNECTING: frozenset(
        {SessionStatus.ACTIVE, SessionStatus.ENDED, SessionStatus.ERROR}
    ),
    SessionStatus.ACTIVE: frozenset({SessionStatus.ENDED, SessionStatus.ERROR}),
    SessionStatus.ENDED: frozenset(),
    SessionStatus.ERROR: frozenset(),
}

LIVE: Final = frozenset(status for status, targets in TRANSITIONS.items() if targets)


def may_become(status: SessionStatus) -> frozenset[SessionStatus]:
    """The states from which a session may enter `status`; the condition of a guarded UPDATE."""
    return frozenset(source for source, targets in TRANSITIONS.items() if status in targets)


@dataclass(frozen=True, slots=True)
class Session:
    """One row of `agent_instance_sessions`. Times are aware, in UTC; `reason` says why it ended.

    `agent_version` is the version of the agent's registration that talked last. `values` are those of
    variables that the creator gave: they are private, and only the live session keeps them, for an agent
    that takes over.
    """

    session_id: str
    agent_id: int
    tenant_id: int
    room_name: str
    status: SessionStatus
    started_at: datetime
    ended_at: datetime | None = None
    duration_seconds: int | None = None
    participant_count: int = 0
    reason: str | None = None
    participant_name: str | None = None
    participant_identity: str | None = None
    agent_version: int | None = None
    values: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    # Whether an agent has joined its room.
    had_agent: bool = field(default=False, compare=False)

    @property
    def caller(self) -> dict[str, str]:
        """Who the caller is, by the keys of the HTTP contract; the session's row keeps it."""
        given = {
            "participantName": self.participant_name,
            PARTICIPANT_IDENTITY: self.participant_identity,
        }
        return {key: value for key, value in given.items() if value is not None}

    @property
    def variables(self) -> dict[str, Any]:
        """What its agents are given to know: the caller, and the creator's values."""
        return {**self.caller, VARIABLES: dict(self.values)} if self.values else {**self.caller}

    @property
    def has_room_of_its_own(self) -> bool:
        """Whether the room is named after the session, so that nobody else can have created it."""
        return is_own_room(self.room_name, self.session_id)


@dataclass(frozen=True, slots=True)
class CreateLimits:
    """The most sessions that may live when another one is created; None is no limit."""

    waiting: int | None = None  # sessions without an agent, of all agents
    of_tenant: int | None = None


NO_LIMITS: Final = CreateLimits()


@dataclass(frozen=True, slots=True)
class RepeatableRequest:
    """What recognises a create that its client sends again: digests of its Idempotency-Key and its body."""

    key: str
    body: str


def is_own_room(room_name: str, session_id: str) -> bool:
    """Whether the room is named after the session."""
    return room_name == _room_of(session_id)


def _room_of(session_id: str) -> str:
    return f"session-{session_id}"


def new_session_id() -> str:
    """A random id in the form of nanoid: 21 characters of A-Z a-z 0-9 _ - (126 bits)."""
    return "".join(secrets.choice(SESSION_ID_ALPHABET) for _ in range(SESSION_ID_LENGTH))


def agent_identity(session_id: str, dispatch: int = 1) -> str:
    """The participant identity of the session's agent; API and worker both derive it.

    An agent that replaces a lost one has an identity of its own: when a participant leaves, LiveKit
    ends the job that it knows by that identity, and that would be the new one.
    """
    name = f"{IDENTITY_PREFIX}{session_id}"
    return name if dispatch == 1 else f"{name}.{dispatch}"


def session_of(identity: str) -> str:
    """The id of the session whose agent has this identity; no session id has a dot."""
    return identity.removeprefix(IDENTITY_PREFIX).partition(".")[0]


def dispatch_of(identity: str) -> int:
    """The number of the dispatch that brought the agent with this identity."""
    number = identity.rpartition(".")[2]
    return int(number) if number.isdecimal() and "." in identity else 1


def new_session(
    agent_id: int,
    tenant_id: int,
    room_name: str,
    participant_name: str | None = None,
    participant_identity: str | None = None,
    *,
    values: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> Session:
    """A connecting session; without a room name it gets a room of its own.

    `now` is aware and in UTC; None stands for the current time.
    """
    session_id = new_session_id()
    return Session(
        session_id=session_id,
        agent_id=agent_id,
        tenant_id=tenant_id,
        room_name=room_name or _room_of(session_id),
        status=SessionStatus.CONNECTING,
        started_at=now or datetime.now(UTC),
        participant_name=participant_name,
        participant_identity=participant_identity,
        values=values or {},
    )
