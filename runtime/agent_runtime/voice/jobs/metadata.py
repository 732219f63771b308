"""What a job carries for us beside LiveKit's own fields."""

from __future__ import annotations

import json
from typing import Any, Final

from livekit.protocol.agent import Job
from livekit.protocol.models import Room

# An attribute of the agent whose worker could not claim the session: the job does it before it joins.
UNCLAIMED: Final = "agent_runtime.unclaimed"

_HOLDER: Final = "agentRuntimeHolder"


def room_with(name: str, metadata: str, holder: str) -> Room:
    """The room of a job that LiveKit did not offer.

    The agent server makes up the job's id and gives it no metadata: the room's has both.
    """
    return Room(name=name, metadata=json.dumps({_HOLDER: holder, "metadata": metadata}))


def holder_of(job: Job) -> str:
    """Under which id the job holds its session."""
    return str(_marks(job).get(_HOLDER, job.id))


def metadata_of(job: Job) -> str:
    """The metadata that the dispatch carried."""
    return str(_marks(job).get("metadata", job.metadata))


def _marks(job: Job) -> dict[str, Any]:
    if job.dispatch_id or _HOLDER not in job.room.metadata:
        return {}  # LiveKit's own; what its rooms' metadata say is other people's
    marks: dict[str, Any] = json.loads(job.room.metadata)
    return marks
