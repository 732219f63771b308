"""Times on the command line, and in what it prints."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from agent_runtime.domain.errors import InvalidInput

_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN: Final = re.compile(r"([0-9]{1,6})([mhdw])")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse_time(text: str, option: str, *, now: datetime, future: bool) -> datetime:
    """A time: a span from now like 30d, a date or a date-time in ISO 8601, in UTC unless it has a zone.

    A span leads into the `future` or into the past; a date in the future is valid to its end. Raises
    InvalidInput, which names the option.
    """
    span, moment = _SPAN.fullmatch(text), None
    try:
        if span is not None:
            step = timedelta(**{_UNITS[span[2]]: int(span[1])})
            return now + step if future else now - step
        moment = datetime.fromisoformat(text)
        if _DATE.fullmatch(text) and future:
            moment += timedelta(days=1)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(
            f"{option} {text!r}: use a span like 12h or 30d, or a date like 2027-01-31 or "
            "2027-01-31T09:30:00Z"
        ) from None


def shown(moment: datetime | None) -> str | None:
    """The time as the HTTP API shows it, to the second; None stays None."""
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def table(rows: list[tuple[str, ...]]) -> str:
    """Rows as lines with aligned columns; the first is the header."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
