"""Column types of the shared schema that Peewee does not bring."""

from __future__ import annotations

from typing import Any

import peewee


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
