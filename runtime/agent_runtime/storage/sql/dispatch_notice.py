"""What is rung: a session's room and the metadata of its job, and for whom."""

from __future__ import annotations

import hashlib
import json


def channel_of(key: str) -> str:
    """Whoever has another LiveKit key has another LiveKit, and is not meant."""
    return f"agent_runtime_{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def payload_of(room_name: str, metadata: str) -> str:
    """Both as one ASCII text."""
    return json.dumps([room_name, metadata], separators=(",", ":"))


def ring_of(payload: str | bytes) -> tuple[str, str] | None:
    """Both again; None for what is something else."""
    try:
        room_name, metadata = json.loads(payload)
    except (ValueError, TypeError):
        return None
    if isinstance(room_name, str) and isinstance(metadata, str):
        return room_name, metadata
    return None
