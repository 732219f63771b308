"""A dispatch notice: the room of a new session and its job's metadata, as one text on one channel."""

from __future__ import annotations

import hashlib
import json


def channel_name(api_key: str) -> str:
    """The channel of one LiveKit server's workers.

    It comes from the LiveKit API key, so the workers of another server are not notified.
    """
    return f"agent_runtime_{hashlib.sha256(api_key.encode()).hexdigest()[:12]}"


def encode_notice(room_name: str, metadata: str) -> str:
    """Room name and metadata as one ASCII text."""
    return json.dumps([room_name, metadata], separators=(",", ":"))


def decode_notice(payload: str | bytes) -> tuple[str, str] | None:
    """Room name and metadata of an encoded notice; None for any other text."""
    try:
        room_name, metadata = json.loads(payload)
    except (ValueError, TypeError):
        return None
    if isinstance(room_name, str) and isinstance(metadata, str):
        return room_name, metadata
    return None
