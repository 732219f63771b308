"""What a job carries for the runtime beside LiveKit's own fields."""

from __future__ import annotations

import json
from typing import Any, Final

from livekit.protocol.agent import Job
from livekit.protocol.models import Room

# Attribute of an agent whose worker could not claim the session: the job claims it before it joins.
UNCLAIMED: Final = "agent_runtime.unclaimed"

_HOLDER: Final = "agentRuntimeHolder"


def direct_dispatch_room(name: str, metadata: str, holder: str) -> Room:
    """Build the room of a job that LiveKit did not offer.

    The agent server makes up such a job's id and gives it no metadata, so the room's metadata (JSON) hold
    both: the id under which the worker claimed the session, and the metadata of the dispatch.
    """
    return Room(name=name, metadata=json.dumps({_HOLDER: holder, "metadata": metadata}))


def holder_of(job: Job) -> str:
    """Return the id under which the job holds its session: LiveKit's, or that of a direct dispatch."""
    return str(_direct_dispatch(job).get(_HOLDER, job.id))


def metadata_of(job: Job) -> str:
    """Return the metadata that the dispatch carried."""
    return str(_direct_dispatch(job).get("metadata", job.metadata))


def _direct_dispatch(job: Job) -> dict[str, Any]:
    if job.dispatch_id or _HOLDER not in job.room.metadata:
        return {}  # LiveKit offered it; the metadata of its rooms belong to other people
    fields: dict[str, Any] = json.loads(job.room.metadata)
    return fields
