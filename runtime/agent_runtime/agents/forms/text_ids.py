"""Ids of agents that are texts, such as `clinic_front_desk_v1`. Each gets a number once, and keeps it."""

from __future__ import annotations

from typing import Any

from agent_runtime.domain.errors import ConfigIssue, InvalidAgentConfig
from agent_runtime.domain.job import MAX_ID, TEXT_ID_RULE, is_text_id


def split_id(value: Any) -> tuple[int | None, str | None]:
    """The id as a number, or as a text; a text of digits is a number. Both are None when there is none.

    Raises InvalidAgentConfig for a text that no room could be named after.
    """
    if value is None or value == "":
        return None, None
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value) if len(value) <= len(str(MAX_ID)) else MAX_ID + 1
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        if 1 <= value <= MAX_ID:
            return value, None
        message = f"is no integer from 1 to {MAX_ID}"
        raise InvalidAgentConfig([ConfigIssue(("agent_id",), message)])
    if isinstance(value, str) and is_text_id(value):
        return None, value
    raise InvalidAgentConfig([ConfigIssue(("agent_id",), TEXT_ID_RULE)])
