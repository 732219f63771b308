"""Bodies of requests and responses."""

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
    """A body with camelCase keys, which can be filled from a row."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        from_attributes=True,
    )


class Register(Body):
    """Body of a request to register an agent."""

    agent_id: int
    tenant_id: int
    config: dict[str, Any]


class Registered(Body):
    """Body of the response after registering."""

    success: Literal[True] = True
    agent_id: int


class Create(Body):
    """Body of a request to create a session."""

    agent_id: int
    tenant_id: int
    room_name: str = Field(max_length=255)
    participant_name: str | None = None


class CreatedSession(Body):
    """Ids of a new session and its room."""

    session_id: str
    room_name: str


class Created(Body):
    """Body of the response after a create."""

    success: Literal[True] = True
    session: CreatedSession


class SessionState(Body):
    """Body of the response with a session's state."""

    session_id: str
    agent_id: int
    tenant_id: int
    room_name: str
    status: Literal["connecting", "active", "ended", "error"]
    started_at: Timestamp
    ended_at: Timestamp | None = None
    participant_count: int


class Healthy(Body):
    """Body of the response of the health check."""

    status: Literal["healthy"] = "healthy"
    timestamp: Timestamp
