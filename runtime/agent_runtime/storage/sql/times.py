"""Times as the databases hand them out."""

from __future__ import annotations

from datetime import UTC, datetime


def aware(moment: datetime | str) -> datetime:
    """SQLite hands out text, PostgreSQL naive times; both are UTC."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return moment.replace(tzinfo=UTC)
