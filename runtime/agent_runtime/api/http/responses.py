"""How answers look: JSON in the order of the contract, times, figures."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import orjson
from falcon.asgi import Response

JSON: Final = "application/json; charset=utf-8"


def answer(resp: Response, body: Mapping[str, object], status: int = 200) -> None:
    """Answer with `body` as JSON."""
    resp.status = status
    resp.data = orjson.dumps(body)


def respond_error(resp: Response, message: str, status: int) -> None:
    """Answer with the one shape that every error has."""
    resp.content_type = JSON
    answer(resp, {"error": message}, status)


def timestamp(moment: datetime) -> str:
    """ISO 8601 with milliseconds and Z; `moment` is aware and in UTC."""
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def figure(value: float, decimals: int) -> float | int:
    """`value` rounded; whole numbers without a fraction, as JavaScript writes them (0, not 0.0)."""
    rounded = round(value, decimals)
    return int(rounded) if rounded == int(rounded) else rounded
