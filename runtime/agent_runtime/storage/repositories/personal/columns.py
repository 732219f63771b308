"""What of a stored session says who the caller is, and the session's row without it."""

from __future__ import annotations

import json
from typing import Any, Final

from agent_runtime.domain.session import PARTICIPANT_IDENTITY
from agent_runtime.text.redaction import SHORTEST_IN_MESSAGES, Redactor, is_personal

_NAME: Final = "participantName"
_PERSONAL_KEYS: Final = (_NAME, PARTICIPANT_IDENTITY)
# Fewest digits of a telephone number in a room's name; shorter ones are ids.
_SHORTEST_TELEPHONE: Final = 7


def details_of(metadata: Any) -> dict[str, Any]:
    """The JSON object of a `metadata` column; empty for anything else."""
    if isinstance(metadata, str):
        try:
            metadata = json.loads(metadata)
        except ValueError:
            return {}
    return metadata if isinstance(metadata, dict) else {}


def without_caller(room_name: str, metadata: Any) -> tuple[str, str] | None:
    """Room name and metadata (JSON) without the caller; None when neither names one.

    The reason stays, without the numbers, addresses and names in it.
    """
    details = details_of(metadata)
    name = details.get(_NAME)
    kept = {key: value for key, value in details.items() if key not in _PERSONAL_KEYS}
    if isinstance(reason := kept.get("reason"), str):
        names = [name] if isinstance(name, str) else []
        kept["reason"] = Redactor(names, shortest=SHORTEST_IN_MESSAGES).text(reason)
    room = room_name
    if is_personal(room_name):
        room = Redactor(shortest=_SHORTEST_TELEPHONE).text(room_name)
    return None if kept == details and room == room_name else (room, json.dumps(kept))
