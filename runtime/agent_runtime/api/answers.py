"""How answers look: JSON in the order of the contract, times, figures, and what OPTIONS says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import orjson
from falcon.asgi import Request, Response

JSON: Final = "application/json; charset=utf-8"


def answer(resp: Response, body: Mapping[str, object], status: int = 200) -> None:
    """Answer with `body` as JSON."""
    resp.status = status
    resp.data = orjson.dumps(body)


def answer_error(resp: Response, message: str, status: int) -> None:
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


class Resource:
    """What resources have in common: OPTIONS lists the methods, in the header and as the body."""

    async def on_options(self, _req: Request, resp: Response, **_ids: str) -> None:
        """200 with Allow; the form is Express's."""
        methods = sorted(
            name.removeprefix("on_").upper()
            for name in dir(self)
            if name.startswith("on_") and name != "on_options"
        )
        resp.text = ",".join(methods)
        resp.set_header("Allow", resp.text)
        resp.content_type = "text/html; charset=utf-8"
