"""Requests as typed values: the two bodies, ids in paths, dates in queries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

import orjson
from falcon import HTTPBadRequest
from falcon.asgi import Request

from agent_runtime.api.http.zod_issues import (
    MISSING,
    InvalidBody,
    Issue,
    custom,
    not_there,
    not_whole,
    too_big,
    too_long,
    too_small,
    wrong_type,
)
from agent_runtime.domain.job import MAX_ID, agent_of_room
from agent_runtime.domain.metrics import DateRange
from agent_runtime.secrecy.shown import CONTROL_REFUSED, has_control

# Characters of a name; the width of the database's columns.
MAX_TEXT: Final = 255
# Bytes of the variables of a session as JSON: its jobs carry them as metadata, and its row keeps them.
MAX_VARIABLES: Final = 16 * 1024
# Bytes of a room name in UTF-8; livekit-server refuses longer ones.
MAX_ROOM_NAME: Final = 256
# A name stands on terminals, in logs and in pages: none may act on them.
NO_CONTROL: Final = f"Invalid input: {CONTROL_REFUSED}"
_ID: Final = re.compile(r"([1-9][0-9]{0,9})(\.0+)?")
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([Tt][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?([Zz]|[+-][0-9]{2}:[0-9]{2})?)?"
)
# Responses show times cut to the millisecond, so an endDate copied from one includes that whole
# millisecond.
_SHOWN_PRECISION: Final = timedelta(milliseconds=1)
_EARLIEST: Final = datetime(1, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RegisterBody:
    """The body of POST /api/agents/register; `config` is validated elsewhere."""

    agent_id: int
    tenant_id: int
    config: Mapping[str, Any]

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """Parse the body. Raises InvalidBody with all faults, in the order of the fields."""
        issues = [*_id_issues(body, "agentId"), *_id_issues(body, "tenantId")]
        config = body.get("config", MISSING)
        if config is MISSING:
            issues.append(not_there("config"))
        elif not isinstance(config, dict):
            issues.append(wrong_type("object", config, "config"))
        if issues:
            raise InvalidBody(issues)
        return cls(int(body["agentId"]), int(body["tenantId"]), body["config"])


@dataclass(frozen=True, slots=True)
class CreateBody:
    """The body of POST /api/sessions/create."""

    agent_id: int
    tenant_id: int
    room_name: str
    participant_name: str | None
    participant_identity: str | None
    variables: Mapping[str, Any] | None

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """Parse the body. Raises InvalidBody with all faults, in the order of the fields."""
        issues = [
            *_id_issues(body, "agentId"),
            *_id_issues(body, "tenantId"),
            *_room_issues(body),
        ]
        if "participantName" in body:
            issues += _text_issues(body, "participantName")
        if "participantIdentity" in body:
            issues += _text_issues(body, "participantIdentity") or _empty_issues(
                body, "participantIdentity"
            )
        if "variables" in body:
            issues += _variables_issues(body["variables"])
        if issues:
            raise InvalidBody(issues)
        return cls(
            int(body["agentId"]),
            int(body["tenantId"]),
            body["roomName"],
            body.get("participantName"),
            body.get("participantIdentity"),
            body.get("variables"),
        )


@dataclass(frozen=True, slots=True)
class EraseBody:
    """The body of POST /api/callers/erase."""

    identity: str
    dry_run: bool

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """Parse the body. Raises InvalidBody with all faults, in the order of the fields."""
        issues = _text_issues(body, "identity") or _empty_issues(body, "identity")
        dry_run = body.get("dryRun", False)
        if not isinstance(dry_run, bool):
            issues.append(wrong_type("boolean", dry_run, "dryRun"))
        if issues:
            raise InvalidBody(issues)
        return cls(body["identity"], dry_run)


def id_of(text: str) -> int | None:
    """The id in a segment of a path (7.0 is 7, as in a body); None when it is no id."""
    match = _ID.fullmatch(text)
    if match is None or int(match[1]) > MAX_ID:
        return None
    return int(match[1])


def required_id(name: str, text: str) -> int:
    """The id in a segment of a path. Raises HTTPBadRequest naming the parameter."""
    value = id_of(text)
    if value is None:
        raise HTTPBadRequest(description=f"{name} must be an integer from 1 to {MAX_ID}")
    return value


def date_range(req: Request) -> DateRange:
    """The range from startDate to endDate, both inclusive. Raises HTTPBadRequest."""
    return DateRange(
        start=_moment(req, "startDate", rounding_up=False),
        end=_moment(req, "endDate", rounding_up=True),
    )


def _moment(req: Request, name: str, *, rounding_up: bool) -> datetime | None:
    given = req.params.get(name)
    if given is None:
        return None
    if not isinstance(given, str):
        raise HTTPBadRequest(description=f"{name} is given more than once")
    moment = _read(given)
    if moment is None:
        raise HTTPBadRequest(
            description=f"{name} must be an ISO 8601 date or date-time, "
            f"like 2026-01-31 or 2026-01-31T09:30:00Z, not {given[:40]!r}"
        )
    if not rounding_up:
        return _in_utc(moment, timedelta())
    return _in_utc(moment, _SHOWN_PRECISION if "T" in given.upper() else timedelta(days=1))


def _read(text: str) -> datetime | None:
    if _MOMENT.fullmatch(text) is None:
        return None
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:  # the 31st of a short month, for instance
        return None


def _in_utc(moment: datetime, step: timedelta) -> datetime:
    offset = moment.utcoffset() or timedelta()
    try:
        return moment.replace(tzinfo=UTC) - offset + step
    except OverflowError:  # the first day of year 1 or the last of 9999: no session is beyond it
        return _EARLIEST if offset > step else _LATEST


def _id_issues(body: Mapping[str, Any], name: str) -> list[Issue]:
    value = body.get(name, MISSING)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return [wrong_type("number", value, name)]
    if value != int(value):
        return [not_whole(name)]
    if value < 1:
        return [too_small(1, name)]
    return [too_big(MAX_ID, name)] if value > MAX_ID else []


def _room_issues(body: Mapping[str, Any]) -> list[Issue]:
    issues = _text_issues(body, "roomName")
    if not issues and len(body["roomName"].encode()) > MAX_ROOM_NAME:
        issues.append(
            custom(f"Invalid input: LiveKit takes at most {MAX_ROOM_NAME} bytes", "roomName")
        )
    owner, agent_id = agent_of_room(body["roomName"]) if not issues else None, body.get("agentId")
    if owner not in (None, agent_id) and not _id_issues(body, "agentId"):
        issues.append(
            custom(
                f"Invalid input: this room's callers wait for agent {owner}; name it "
                f"agent-{agent_id:.0f}-room, or otherwise, or leave the name empty",
                "roomName",
            )
        )
    return issues


def _empty_issues(body: Mapping[str, Any], name: str) -> list[Issue]:
    if body[name]:
        return []
    message = "Invalid input: no participant has an empty identity"
    if name != "identity":
        message += "; leave the key out"
    return [custom(message, name)]


def _variables_issues(value: object) -> list[Issue]:
    if not isinstance(value, dict):
        return [wrong_type("object", value, "variables")]
    if len(orjson.dumps(value)) > MAX_VARIABLES:
        message = f"Too big: expected object to have <={MAX_VARIABLES} bytes as JSON"
        return [custom(message, "variables")]
    return []


def _text_issues(body: Mapping[str, Any], name: str) -> list[Issue]:
    value = body.get(name, MISSING)
    if not isinstance(value, str):
        return [wrong_type("string", value, name)]
    if len(value) > MAX_TEXT:
        return [too_long(MAX_TEXT, name)]
    return [custom(NO_CONTROL, name)] if has_control(value) else []
