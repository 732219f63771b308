"""Which agent and session a LiveKit job is for: its metadata says so, else its room's name."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from agent_runtime.domain.errors import InvalidInput
from agent_runtime.domain.session import PARTICIPANT_IDENTITY

# A room named after an agent. LiveKit's SIP dispatch rules of kind "individual" append the caller's
# number and random characters to the prefix of the rule: agent-7-room_+4930123_x8Kd3fQz.
ROOM_PATTERN: Final = re.compile(r"agent-([1-9][0-9]{0,9})-room(?:_.+)?", re.DOTALL)
# Characters of the longest text id: a room's name holds it, and has at most 255.
MAX_TEXT_ID: Final = 128
# An agent's id that is a text, as agent files have it, and a room that is named after such an agent.
_TEXT_ID: Final = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.-]{{0,{MAX_TEXT_ID - 1}}}")
_TEXT_ROOM: Final = re.compile(rf"agent-({_TEXT_ID.pattern}?)-room(?:_.+)?", re.DOTALL)
TEXT_ID_RULE: Final = (
    f"is no id: use 1 to {MAX_TEXT_ID} letters, digits, '_', '-' and '.', not '-' or '.' first, "
    "and nowhere '-room'"
)
# Key of a variable that marks a session which LiveKit's automatic dispatch began, not a create over
# HTTP.
AUTOMATIC: Final = "automatic"
MAX_ID: Final = 2**31 - 1  # agents.id is a 32-bit serial key
# The `agent_id` of a target whose agent is known by its text id only.
UNNUMBERED: Final = 0

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
    keys (participantName, customer_name, agent_data ...), which instructions may refer to. `text_id` is
    what names the agent when that is a text; `agent_id` is UNNUMBERED then, until the number is looked up.
    `dispatch`
    is the number of the dispatch within its session, from 1; 0 when the metadata has none, like that of
    the first dispatch, whose metadata the HTTP contract defines.
    """

    agent_id: int
    session_id: str | None = None
    tenant_id: int | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    dispatch: int = 0
    text_id: str | None = None

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


@dataclass(frozen=True, slots=True)
class JobOrder:
    """The room of a job, and the metadata with which it is dispatched."""

    room_name: str
    metadata: str


def agent_of_room(room_name: str) -> int | None:
    """The id of the agent after which the room is named; None for any other room.

    Its callers wait for that agent, and LiveKit's automatic dispatch sends it.
    """
    match = ROOM_PATTERN.fullmatch(room_name)
    return int(match[1]) if match is not None and int(match[1]) <= MAX_ID else None


def text_id_of_room(room_name: str) -> str | None:
    """The text id after which the room is named; None for any other room."""
    match = _TEXT_ROOM.fullmatch(room_name)
    return match[1] if match is not None and is_text_id(match[1]) else None


def is_agents_room(room_name: str) -> bool:
    """Whether the room is named after an agent, by number or text."""
    return agent_of_room(room_name) is not None or text_id_of_room(room_name) is not None


def is_text_id(value: str) -> bool:
    """Whether an agent can have this text for an id; a text of digits alone is a number."""
    return bool(_TEXT_ID.fullmatch(value)) and "-room" not in value and not value.isdigit()


def target_of(metadata: str, room_name: str) -> JobTarget:
    """The target of a job with this `metadata` (JSON text, may be empty) in the room `room_name`.

    Raises NotOurJob when neither names an agent, or when the metadata is malformed.
    """
    given = _parse(metadata)
    agent_id = given.get("agentId", given.get("agent_id"))
    if agent_id is not None:
        session_id = _text("sessionId", given.get("sessionId", given.get("session_id")))
        return replace(
            target_named(agent_id),
            session_id=session_id,
            tenant_id=_optional_id("tenantId", given.get("tenantId", given.get("tenant_id"))),
            variables={key: value for key, value in given.items() if key not in _OWN_KEYS},
            dispatch=_dispatch(given.get(_DISPATCH)) if session_id else 0,
        )
    match = ROOM_PATTERN.fullmatch(room_name)
    if match is not None:
        return JobTarget(agent_id=_id("room name", int(match[1])), variables=given)
    if (text_id := text_id_of_room(room_name)) is not None:
        return JobTarget(UNNUMBERED, variables=given, text_id=text_id)
    raise NotOurJob(
        f"room {room_name!r} is not named agent-<id>-room and the job's metadata has no agentId"
    )


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


def target_named(agent: object) -> JobTarget:
    """The target of a job for this agent, a number or a text id. Raises NotOurJob for anything else."""
    if isinstance(agent, str) and is_text_id(agent):
        return JobTarget(UNNUMBERED, text_id=agent)
    return JobTarget(_id("agentId", agent))


def _id(name: str, value: object) -> int:
    # "7" is accepted: dispatch tools often pass every metadata value as text.
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_ID:
        either = " or an agent's text id" if name == "agentId" else ""
        raise NotOurJob(f"{name} must be an integer from 1 to {MAX_ID}{either}, not {value!r}")
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
