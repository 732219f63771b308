"""Responses: JSON with keys in the order of the contract, timestamps, rounded numbers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import orjson
from falcon.asgi import Response

JSON: Final = "application/json; charset=utf-8"


def respond(resp: Response, body: Mapping[str, object], status: int = 200) -> None:
    """Respond with `body` as JSON; keys keep their order."""
    resp.status = status
    resp.data = orjson.dumps(body)


def respond_error(resp: Response, message: str, status: int) -> None:
    """Respond with `{"error": message}`, the shape of every error."""
    resp.content_type = JSON
    respond(resp, {"error": message}, status)


def timestamp(moment: datetime) -> str:
    """ISO 8601 with milliseconds and Z; `moment` is aware and in UTC."""
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def rounded(value: float, decimals: int) -> float | int:
    """`value` rounded; a whole number without a fraction, as JavaScript writes it (0, not 0.0)."""
    number = round(value, decimals)
    return int(number) if number == int(number) else number
