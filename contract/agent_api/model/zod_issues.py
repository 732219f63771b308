"""The error text for a body at fault: the old service's issues, and those that it does not report.

Form and words are those of zod 4, the old service's library; the limits are those of openapi.yaml.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from contract.agent_api.model.state import MAX_ID, MAX_TEXT

_FIELDS: Final = {
    "POST /api/agents/register": ("agentId", "tenantId", "config"),
    "POST /api/sessions/create": (
        "agentId",
        "tenantId",
        "roomName",
        "participantName",
        "participantIdentity",
    ),
}
# A room whose callers wait for the agent of that id; a suffix comes from LiveKit's SIP rules.
_AGENTS_ROOM: Final = re.compile(r"agent-([1-9][0-9]{0,9})-room(_.+)?", re.DOTALL)
# What no name may hold: control characters, separators of lines, marks that turn directions.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
NO_CONTROL: Final = "no control characters, line breaks or marks that turn the text's direction"
_MAX_ROOM: Final = 256  # bytes of a room's name that LiveKit takes
Issue = Mapping[str, Any]


def faults(operation: str, body: Any, old: Any) -> str:
    """The text of the new service's error, empty when the old service reports all faults itself.

    `old` is the body of the old service's answer. Issues are in the order of the fields; where the old
    service reports an issue of a field, that one counts.
    """
    if not isinstance(body, dict) or operation not in _FIELDS:
        return ""
    own = _reported(old)
    found: list[Issue] = []
    more = False
    for name in _FIELDS[operation]:
        reported = [entry for entry in own if entry.get("path", [None])[:1] == [name]]
        added = [] if reported else list(_of_field(name, body))
        more = more or bool(added)
        found += reported or added
    return json.dumps(found, indent=2, ensure_ascii=False) if more else ""


def nul_faults(body: Any) -> str:
    """The text of the error for NUL characters in texts and keys, empty without any."""
    if not isinstance(body, dict):
        return ""
    found = [
        {
            "code": "custom",
            "path": path,
            "message": "Invalid input: text must not hold a NUL character",
        }
        for path in _nul(body, [])
    ]
    return json.dumps(found, indent=2, ensure_ascii=False) if found else ""


def _nul(value: Any, path: list[str | int]) -> Iterator[list[str | int]]:
    if isinstance(value, str) and "\0" in value:
        yield path
    elif isinstance(value, dict):
        yield from (path for key in value if "\0" in key)
        for key, item in value.items():
            yield from _nul(item, [*path, key])
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _nul(item, [*path, index])


def _reported(body: Any) -> list[Issue]:
    try:
        found = json.loads(body["error"]) if isinstance(body, dict) and "error" in body else []
    except (ValueError, TypeError):
        return []
    return found if isinstance(found, list) else []


def _of_field(name: str, body: Mapping[str, Any]) -> Iterator[Issue]:
    value = body.get(name)
    if name in ("agentId", "tenantId"):
        yield from _of_id(name, value)
    elif name == "config":
        if not isinstance(value, dict):
            yield {
                "expected": "object",
                "code": "invalid_type",
                "path": [name],
                "message": f"Invalid input: expected object, received {_type(value)}",
            }
    elif isinstance(value, str) and len(value) > MAX_TEXT:
        yield _limit(
            "string", "too_big", "maximum", MAX_TEXT, name, "string to have", " characters"
        )
    elif isinstance(value, str) and _CONTROL.search(value):
        yield {"code": "custom", "path": [name], "message": f"Invalid input: {NO_CONTROL}"}
    elif name == "roomName":
        yield from _of_room(value, body.get("agentId"))
    elif name == "participantIdentity" and name in body:
        yield from _of_identity(value)


def _of_room(room: Any, agent: Any) -> Iterator[Issue]:
    """The issue of a room that is too long for LiveKit, or named after another agent."""
    if isinstance(room, str) and len(room.encode("utf-8", "replace")) > _MAX_ROOM:
        message = f"Invalid input: LiveKit takes at most {_MAX_ROOM} bytes"
        yield {"code": "custom", "path": ["roomName"], "message": message}
        return
    named = _AGENTS_ROOM.fullmatch(room) if isinstance(room, str) else None
    is_id = isinstance(agent, int | float) and not isinstance(agent, bool) and math.isfinite(agent)
    if named is None or not is_id or agent != int(agent) or not 1 <= agent <= MAX_ID:
        return
    if int(named[1]) != agent and int(named[1]) <= MAX_ID:
        message = (
            f"Invalid input: this room's callers wait for agent {int(named[1])}; name it "
            f"agent-{int(agent)}-room, or otherwise, or leave the name empty"
        )
        yield {"code": "custom", "path": ["roomName"], "message": message}


def _of_identity(value: Any) -> Iterator[Issue]:
    """The issue of an identity, of which the old service knows nothing."""
    if not isinstance(value, str):
        yield {
            "expected": "string",
            "code": "invalid_type",
            "path": ["participantIdentity"],
            "message": f"Invalid input: expected string, received {_type(value)}",
        }
    elif not value:
        message = "Invalid input: no participant has an empty identity; leave the key out"
        yield {"code": "custom", "path": ["participantIdentity"], "message": message}


def _of_id(name: str, value: Any) -> Iterator[Issue]:
    # The old service reports an infinite number (1e999) itself.
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isinf(value):
        return
    if value != int(value):
        yield {
            "expected": "int",
            "format": "safeint",
            "code": "invalid_type",
            "path": [name],
            "message": "Invalid input: expected int, received number",
        }
    elif value < 1:
        yield _limit("number", "too_small", "minimum", 1, name, "number to be", "")
    elif value > MAX_ID:
        yield _limit("number", "too_big", "maximum", MAX_ID, name, "number to be", "")


def _limit(
    origin: str, code: str, bound: str, limit: int, name: str, what: str, unit: str
) -> Issue:
    word, sign = ("Too small", ">=") if bound == "minimum" else ("Too big", "<=")
    return {
        "origin": origin,
        "code": code,
        bound: limit,
        "inclusive": True,
        "path": [name],
        "message": f"{word}: expected {what} {sign}{limit}{unit}",
    }


def _type(value: Any) -> str:
    names = {type(None): "null", bool: "boolean", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "number")
