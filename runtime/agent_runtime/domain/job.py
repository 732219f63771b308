"""Which agent and session a LiveKit job is for: its metadata says so, else its room's name."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from agent_runtime.domain.errors import InvalidInput
from agent_runtime.domain.session import PARTICIPANT_IDENTITY

# A room named after an agent. LiveKit's SIP dispatch rules of kind "individual" append the caller's
# number and random characters to the prefix of the rule: agent-7-room_+4930123_x8Kd3fQz.
ROOM_PATTERN: Final = re.compile(r"agent-([1-9][0-9]{0,9})-room(?:_.+)?", re.DOTALL)
# Key of a variable that marks a session which LiveKit's automatic dispatch began, not a create over
# HTTP.
AUTOMATIC: Final = "automatic"
MAX_ID: Final = 2**31 - 1  # agents.id is a 32-bit serial key

_DISPATCH: Final = "dispatchNumber"
_OWN_KEYS: Final = {
    _DISPATCH,
    "agentId",
    "agent_id",
    "sessionId",
    "session_id",
    "tenantId",
    "tenant_id",
}


class NotOurJob(InvalidInput):
    """Raised for a LiveKit job that names no agent of ours; the message says what was read."""

    remedy = "name the room agent-<id>-room, or put agentId into the dispatch's metadata"


@dataclass(frozen=True, slots=True)
class JobTarget:
    """The agent and session that a job is for.

    `session_id` and `tenant_id` are None on automatic dispatch. `variables` are the remaining metadata
    keys (participantName, customer_name, agent_data ...), which instructions may refer to. `dispatch`
    is the number of the dispatch within its session, from 1; 0 when the metadata has none, like that of
    the first dispatch, whose metadata the HTTP contract defines.
    """

    agent_id: int
    session_id: str | None = None
    tenant_id: int | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    dispatch: int = 0

    @property
    def participant_identity(self) -> str | None:
        """The identity of the participant that the agent serves; None for whoever may speak."""
        identity = self.variables.get(PARTICIPANT_IDENTITY)
        return identity if isinstance(identity, str) and identity else None

    def to_metadata(self) -> str:
        """The JSON text that an explicit dispatch carries."""
        own: dict[str, Any] = {
            "agentId": self.agent_id,
            "sessionId": self.session_id,
            "tenantId": self.tenant_id,
        }
        if self.dispatch > 1:
            own[_DISPATCH] = self.dispatch
        return json.dumps(own | dict(self.variables), separators=(",", ":"))


def agent_of_room(room_name: str) -> int | None:
    """The id of the agent after which the room is named; None for any other room.

    Its callers wait for that agent, and LiveKit's automatic dispatch sends it.
    """
    match = ROOM_PATTERN.fullmatch(room_name)
    return int(match[1]) if match is not None and int(match[1]) <= MAX_ID else None


def target_of(metadata: str, room_name: str) -> JobTarget:
    """The target of a job with this `metadata` (JSON text, may be empty) in the room `room_name`.

    Raises NotOurJob when neither names an agent, or when the metadata is malformed.
    """
    given = _parse(metadata)
    agent_id = given.get("agentId", given.get("agent_id"))
    if agent_id is not None:
        session_id = _text("sessionId", given.get("sessionId", given.get("session_id")))
        return JobTarget(
            agent_id=_id("agentId", agent_id),
            session_id=session_id,
            tenant_id=_optional_id("tenantId", given.get("tenantId", given.get("tenant_id"))),
            variables={key: value for key, value in given.items() if key not in _OWN_KEYS},
            dispatch=_dispatch(given.get(_DISPATCH)) if session_id else 0,
        )
    match = ROOM_PATTERN.fullmatch(room_name)
    if match is None:
        raise NotOurJob(
            f"room {room_name!r} is not named agent-<id>-room and the job's metadata has no agentId"
        )
    return JobTarget(agent_id=_id("room name", int(match[1])), variables=given)


def _parse(metadata: str) -> dict[str, Any]:
    if not metadata.strip():
        return {}
    try:
        given = json.loads(metadata)
    except (ValueError, RecursionError) as error:
        raise NotOurJob(f"the job's metadata is not JSON: {error}") from error
    if not isinstance(given, dict):
        raise NotOurJob(f"the job's metadata is a JSON {type(given).__name__}, not an object")
    return given


def _id(name: str, value: object) -> int:
    # "7" is accepted: dispatch tools often pass every metadata value as text.
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_ID:
        raise NotOurJob(f"{name} must be an integer from 1 to {MAX_ID}, not {value!r}")
    return value


def _dispatch(value: object) -> int:
    # Any other value is not ours, and no reason to leave the session without an agent.
    return value if type(value) is int and value > 0 else 0


def _optional_id(name: str, value: object) -> int | None:
    return None if value is None else _id(name, value)


def _text(name: str, value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise NotOurJob(f"{name} must be a text, not {value!r}")
    return value or None
