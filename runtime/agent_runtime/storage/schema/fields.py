"""Column types and defaults of the shared schema that Peewee does not bring."""

from __future__ import annotations

from typing import Any

import peewee
from peewee import SQL, IntegerField


class JsonText(peewee.TextField):
    """A `json` column, written and read as text.

    Peewee's own JSONField is `jsonb` on PostgreSQL, which the shared schema does not use.
    """

    field_type = "json"


class Enum(peewee.TextField):
    """A column of a named enumeration: a type of its own on PostgreSQL, text on SQLite."""

    def __init__(self, name: str, values: tuple[str, ...], **options: Any) -> None:
        super().__init__(**options)
        self.field_type = name  # type: ignore[misc]  # Peewee reads it from the instance, too
        self.values = values


def default(value: str) -> dict[str, Any]:
    """The options of a column whose default is the SQL expression `value`."""
    return {"constraints": [SQL(f"DEFAULT {value}")]}


def now() -> dict[str, Any]:
    """The options of a column that defaults to the current time."""
    return default("CURRENT_TIMESTAMP")


def zero() -> IntegerField:
    """A nullable integer column that defaults to 0."""
    return IntegerField(null=True, **default("0"))
