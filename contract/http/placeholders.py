"""Placeholders in recorded requests, which each target and each run fills in anew.

`<<key[:-1]>>` is a form of the target's own key, `<<day(-1)>>` and `<<moment(hours=1, zone='+05:30')>>` are
times relative to the run, `<<told('<session-12>/startedAt', ms=1)>>` is a time that an earlier answer
showed. The inside is a Jinja expression; those of keys are Python as well, so that a shell can run them.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import cache, partial
from typing import Any, Final
from urllib.parse import quote

from jinja2.sandbox import SandboxedEnvironment

from contract.http.messages import HEADER_CHARSET, RECORDED_KEY, Request

PLACEHOLDER: Final = re.compile(r"<<(.+?)>>")
# The time of a thing that no answer has shown, as the old service shows none.
_NEVER_TOLD: Final = "2001-01-01T00:00:00.000Z"
_ZONE: Final = re.compile(r"([+-])(\d\d):(\d\d)")
_environment = SandboxedEnvironment()


def with_key(request: Request, key: str = RECORDED_KEY) -> Request:
    """The request with a target's own key, and forms of it, in headers, path and query."""
    headers = request.headers
    if any(RECORDED_KEY in value or "<<" in value for _, value in headers):
        headers = tuple((name, _header(value, key)) for name, value in headers)
    target = request.target
    if "<<key" in target:
        fill = partial(_key_form, key=key)
        target = PLACEHOLDER.sub(lambda hit: quote(fill(hit), safe=""), target)
    return replace(request, headers=headers, target=target)


def at_time(request: Request, now: float, told: Mapping[str, str]) -> Request:
    """The request with times relative to `now` (seconds since the epoch) and those of `told`."""
    if "<<" not in request.target or "<<key" in request.target:
        return request
    words = {
        "day": lambda days: (_moment(now) + timedelta(days=days)).date().isoformat(),
        "moment": lambda zone="Z", digits=3, **by: _written(
            _moment(now) + timedelta(**by), zone, digits
        ),
        "told": lambda name, zone="Z", ms=0, digits=3: _written(
            datetime.fromisoformat(told.get(name, _NEVER_TOLD)) + timedelta(milliseconds=ms),
            zone,
            digits,
        ),
    }
    filled = PLACEHOLDER.sub(
        lambda hit: quote(str(_compiled(hit[1])(**words)), safe=""), request.target
    )
    return replace(request, target=filled)


def form_of_key(expression: str, key: str) -> str:
    """A form of a key; one that is by chance the key itself gets one character more."""
    form = str(_compiled(expression)(key=key, b64=_b64))
    return form if form != key or expression == "key" else f"{form}~"


def _header(value: str, key: str) -> str:
    filled = PLACEHOLDER.sub(partial(_key_form, key=key), value.replace(RECORDED_KEY, key))
    return filled if filled.isascii() else filled.encode(errors="replace").decode(HEADER_CHARSET)


def _key_form(hit: re.Match[str], key: str) -> str:
    return form_of_key(hit[1], key) if hit[1].startswith(("key", "b64(")) else hit[0]


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _written(moment: datetime, zone: str, digits: int) -> str:
    """ISO 8601 in a zone: `Z`, `+05:30`, or nothing, which is UTC without saying so."""
    offset = _ZONE.fullmatch(zone)
    if offset is not None:
        minutes = int(offset[2]) * 60 + int(offset[3])
        shift = timedelta(minutes=minutes if offset[1] == "+" else -minutes)
        moment = moment.astimezone(timezone(shift))
    else:
        moment = moment.astimezone(UTC)
    fraction = f".{moment.microsecond:06d}"[: digits + 1] if digits else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}{zone}"


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@cache
def _compiled(text: str) -> Callable[..., Any]:
    return _environment.compile_expression(text)
