"""Compares a PostgreSQL database with the tables that the runtime relies on: `agent-runtime db check`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from agent_runtime.storage.schema.introspection import Column, Table, actual_tables, expected_table
from agent_runtime.storage.schema.migrations import (
    LATEST_VERSION,
    OUTDATED,
    applied_version,
    postgres_transaction,
)
from agent_runtime.storage.schema.runtime import RUNTIME_TABLES, SchemaVersion
from agent_runtime.storage.schema.shared.tables import SHARED_TABLES
from agent_runtime.storage.sql.url import is_postgres, sqlite_path

# What a database of this encoding does not store, or not reliably.
_UNSTORABLE: Final = {
    "SQL_ASCII": "nothing is checked, so texts of clients with other encodings are mixed, and they",
    "LATIN1": "the euro sign, Greek, Cyrillic, Chinese and most other letters",
    "LATIN9": "Greek, Cyrillic, Chinese and most other letters",
    "WIN1252": "Greek, Cyrillic, Chinese and most other letters",
}

_VERSION_TABLE: Final = SchemaVersion._meta.table_name  # noqa: SLF001 - Peewee's documented name


class Difference(StrEnum):
    """The kind of a finding."""

    TABLE = "table"
    COLUMN = "column"
    TYPE = "type"
    VALUES = "values"
    NULLABLE = "nullable"
    DEFAULT = "default"
    UNIQUE = "unique"
    REFERENCE = "foreign key"
    MIGRATION = "migration"
    ENCODING = "encoding"


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference: its place and kind, the expected value and the one found."""

    table: str
    column: str | None
    difference: Difference
    expected: str
    found: str

    def __str__(self) -> str:
        place = self.table if self.column is None else f"{self.table}.{self.column}"
        return f"{place}: {self.difference}: expected {self.expected}, found {self.found}"


def check_schema(url: str) -> list[Finding]:
    """Every difference between the database at `url` and what the runtime relies on.

    Tables and columns that the models do not declare are no difference, unless they reject the
    runtime's rows. An SQLite file has no differences, because opening it creates every table.
    Raises StoreUnavailable when the database is unreachable, ValueError when the URL is not usable.
    """
    if not is_postgres(url):
        sqlite_path(url)
        return []
    with postgres_transaction(url) as database:
        models = (*SHARED_TABLES, *RUNTIME_TABLES)
        actual = actual_tables(database, models)
        encoding = database.execute_sql("SHOW server_encoding").fetchone()[0]
        version = 0
        if _VERSION_TABLE in actual:
            version = database.execute(applied_version()).fetchone()[0]
    findings: list[Finding] = []
    if encoding != "UTF8":
        found = f"{encoding}: {_UNSTORABLE.get(encoding, 'other characters')} cannot be stored"
        findings.append(Finding("database", None, Difference.ENCODING, "UTF8", found))
    if version < LATEST_VERSION:
        found = f"{version} ({OUTDATED})"
        findings.append(
            Finding(_VERSION_TABLE, None, Difference.MIGRATION, str(LATEST_VERSION), found)
        )
    for model in SHARED_TABLES if version < LATEST_VERSION else models:
        name = model._meta.table_name  # noqa: SLF001 - Peewee's documented name
        findings += _compare(name, expected_table(model), actual.get(name))
    return findings


def _compare(name: str, expected: Table, actual: Table | None) -> Iterator[Finding]:
    if actual is None:
        yield Finding(name, None, Difference.TABLE, "a table", "none")
        return
    for column, wanted in expected.items():
        if column not in actual:
            yield Finding(name, column, Difference.COLUMN, wanted.type, "none")
        else:
            yield from _compare_columns(name, column, wanted, actual[column])
    for column in sorted(actual.keys() - expected.keys()):
        there = actual[column]
        if not there.nullable and there.default is None:
            found = f"{there.type} not null without default: the runtime cannot insert rows"
            yield Finding(name, column, Difference.COLUMN, "none", found)


def _compare_columns(table: str, name: str, wanted: Column, there: Column) -> Iterator[Finding]:
    pairs = (
        (Difference.TYPE, wanted.type, there.type),
        (Difference.VALUES, ", ".join(wanted.values), ", ".join(there.values)),
        (Difference.NULLABLE, _yes(wanted.nullable), _yes(there.nullable)),
        (Difference.DEFAULT, wanted.default or "none", there.default or "none"),
        # An unexpected unique column is a difference, too: it may reject the runtime's rows.
        (Difference.UNIQUE, _yes(wanted.unique), _yes(there.unique)),
        (Difference.REFERENCE, _text(wanted.reference), _text(there.reference)),
    )
    for difference, expected, found in pairs:
        if expected != found:
            yield Finding(table, name, difference, expected, found)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _text(value: object | None) -> str:
    return "none" if value is None else str(value)
