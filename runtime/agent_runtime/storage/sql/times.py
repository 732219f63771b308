"""Times as the databases store and return them."""

from __future__ import annotations

from datetime import UTC, datetime


def naive_utc(moment: datetime) -> datetime:
    """An aware time as the schema's `timestamp` columns hold it: in UTC, without a zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def aware(moment: datetime | str) -> datetime:
    """A stored time with its zone: SQLite returns text, PostgreSQL naive times; both are in UTC."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return moment.replace(tzinfo=UTC)
