"""The built-in tools: the end of the call, and time."""

from __future__ import annotations

import asyncio
import zoneinfo
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

# Why the agent ended a call. The list is closed: the session's row holds nothing that was said.
END_REASONS: Final = (
    "conversation finished",
    "the caller asked to end it",
    "wrong number",
    "voicemail",
    "abuse",
    "other",
)
MOST_ZONES: Final = 40
_FORMATS: Final = {
    "full": "%A, {day} %B %Y, %H:%M",
    "date": "%A, {day} %B %Y",
    "time": "%H:%M",
    "short": "%d.%m.%Y %H:%M",
}
_ZONE: Final = {"type": "string", "maxLength": 64, "description": "IANA time zone: Europe/Berlin"}

Schema = Mapping[str, Any]


def _object(required: tuple[str, ...], **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required)}


# Description and parameters of each built-in tool.
DEFINITIONS: Final[Mapping[str, tuple[str, Schema]]] = {
    "end_call": (
        "Ends the call. Say good-bye first, in the same answer: it is spoken to its end.",
        _object((), reason={"type": "string", "enum": list(END_REASONS)}),
    ),
    "get_current_time": (
        "Tells the date and time in a time zone.",
        _object((), timezone=_ZONE, format={"type": "string", "enum": list(_FORMATS)}),
    ),
    "get_timezones_for_region": (
        "Lists the time zones of a continent or city.",
        _object(("region",), region={"type": "string", "minLength": 1, "maxLength": 64}),
    ),
    "get_time_difference": (
        "Tells how many hours one time zone is ahead of another one.",
        _object(("timezone1", "timezone2"), timezone1=_ZONE, timezone2=_ZONE),
    ),
}


async def tell_time(name: str, arguments: Mapping[str, Any], zone: str) -> str:
    """The answer of one of the tools about time; `zone` is the agent's own."""
    return await asyncio.to_thread(_told, name, arguments, zone, datetime.now(UTC))


def _told(name: str, arguments: Mapping[str, Any], zone: str, now: datetime) -> str:
    if name == "get_timezones_for_region":
        return _zones(arguments["region"])
    if name == "get_time_difference":
        return _difference(arguments["timezone1"], arguments["timezone2"], now)
    found, remark = _zone_of(arguments.get("timezone") or zone)
    local = now.astimezone(found)
    pattern = _FORMATS[arguments.get("format") or "full"].format(day=local.day)
    return f"{local.strftime(pattern)} ({found.key}){remark}"


def _zone_of(name: str) -> tuple[zoneinfo.ZoneInfo, str]:
    """The zone, and what to say about it; an unknown one is UTC."""
    try:
        return zoneinfo.ZoneInfo(name.strip().replace(" ", "_")), ""
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return zoneinfo.ZoneInfo("UTC"), f". The time zone {name!r} is unknown, so this is UTC"


def _difference(first: str, second: str, now: datetime) -> str:
    one, remark = _zone_of(first)
    other, remark_of_other = _zone_of(second)
    offsets = [now.astimezone(zone).utcoffset() for zone in (one, other)]
    seconds = [offset.total_seconds() if offset else 0.0 for offset in offsets]
    hours = (seconds[1] - seconds[0]) / 3600
    if hours == 0:
        told = f"{one.key} and {other.key} have the same time"
    else:
        word = "ahead of" if hours > 0 else "behind"
        told = f"{other.key} is {abs(hours):g} hours {word} {one.key}"
    return f"{told}{remark}{remark_of_other}"


def _zones(region: str) -> str:
    wanted = region.strip().replace(" ", "_").lower()
    found = [name for name in _names() if wanted in name.lower()]
    if not found:
        return f"No time zone has {region!r} in its name; try a continent or a large city."
    more = f", and {len(found) - MOST_ZONES} more" if len(found) > MOST_ZONES else ""
    return ", ".join(found[:MOST_ZONES]) + more


@cache
def _names() -> tuple[str, ...]:
    """All names, read from the disk once."""
    return tuple(sorted(zoneinfo.available_timezones()))
