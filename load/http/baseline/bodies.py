"""Bodies of requests and answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel


def _milliseconds(moment: datetime) -> str:
    aware = moment.replace(tzinfo=UTC)
    return aware.isoformat(timespec="milliseconds").replace("+00:00", "Z")


Timestamp = Annotated[datetime, PlainSerializer(_milliseconds, return_type=str)]


class Body(BaseModel):
    """Keys are camelCase; models are filled from rows."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        from_attributes=True,
    )


class Register(Body):
    """Registers an agent."""

    agent_id: int
    tenant_id: int
    config: dict[str, Any]


class Registered(Body):
    """The agent is registered."""

    success: Literal[True] = True
    agent_id: int


class Create(Body):
    """Asks for a session."""

    agent_id: int
    tenant_id: int
    room_name: str = Field(max_length=255)
    participant_name: str | None = None


class CreatedSession(Body):
    """Names of a new session."""

    session_id: str
    room_name: str


class Created(Body):
    """The session is made."""

    success: Literal[True] = True
    session: CreatedSession


class SessionState(Body):
    """How a session stands."""

    session_id: str
    agent_id: int
    tenant_id: int
    room_name: str
    status: Literal["connecting", "active", "ended", "error"]
    started_at: Timestamp
    ended_at: Timestamp | None = None
    participant_count: int


class Healthy(Body):
    """The process answers."""

    status: Literal["healthy"] = "healthy"
    timestamp: Timestamp
