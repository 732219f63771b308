"""The columns of the tables: those in PostgreSQL's system catalog, and those that the models declare."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import peewee

from agent_runtime.storage.schema.fields import Enum, JsonText

# One spelling for each of two defaults that have several; both appear in the output of `db check`.
SERIAL: Final = "the next number of a sequence"
NOW: Final = "now()"


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: the column it refers to, and the action when the row there is deleted."""

    table: str
    column: str
    on_delete: str

    def __str__(self) -> str:
        return f"{self.table}.{self.column} on delete {self.on_delete.lower()}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `type` and `default` are spelled as in PostgreSQL, without casts.

    `values` are the sorted values of an enumeration; empty for every other type.
    """

    type: str
    nullable: bool
    default: str | None = None
    unique: bool = False
    reference: Reference | None = None
    values: tuple[str, ...] = ()


Table = Mapping[str, Column]

_TYPES: Final = {
    peewee.AutoField: "integer",
    peewee.BigAutoField: "bigint",
    peewee.BigIntegerField: "bigint",
    peewee.BooleanField: "boolean",
    peewee.DateField: "date",
    peewee.DateTimeField: "timestamp without time zone",
    peewee.FloatField: "real",
    peewee.IntegerField: "integer",
    peewee.TextField: "text",
    JsonText: "json",
}

# The codes of pg_constraint.confdeltype, in PostgreSQL's manual under "System Catalogs".
_ON_DELETE: Final = {
    "a": "NO ACTION",
    "r": "RESTRICT",
    "c": "CASCADE",
    "n": "SET NULL",
    "d": "SET DEFAULT",
}

_COLUMNS: Final = """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
           CASE WHEN a.attidentity <> '' THEN 'nextval' ELSE pg_get_expr(d.adbin, d.adrelid) END,
           EXISTS (SELECT FROM pg_index i
                   WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indnkeyatts = 1
                         AND i.indpred IS NULL AND i.indkey[0] = a.attnum),
           ARRAY(SELECT e.enumlabel::text FROM pg_enum e
                 WHERE e.enumtypid = a.atttypid ORDER BY e.enumlabel::text)
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relkind IN ('r', 'p') AND c.relname = ANY(%s) AND pg_table_is_visible(c.oid)
"""

_REFERENCES: Final = """
    SELECT c.relname, a.attname, target.relname, ta.attname, k.confdeltype
    FROM pg_constraint k
    JOIN pg_class c ON c.oid = k.conrelid
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
    JOIN pg_class target ON target.oid = k.confrelid
    JOIN pg_attribute ta ON ta.attrelid = target.oid AND ta.attnum = k.confkey[1]
    WHERE k.contype = 'f' AND cardinality(k.conkey) = 1
          AND c.relname = ANY(%s) AND pg_table_is_visible(c.oid)
"""


def expected_table(model: type[peewee.Model]) -> Table:
    """The columns that the model declares."""
    fields: Iterable[peewee.Field] = model._meta.sorted_fields  # noqa: SLF001 - Peewee's documented name
    return {field.column_name: _expected_column(field) for field in fields}


def actual_tables(
    database: peewee.PostgresqlDatabase, models: Iterable[type[peewee.Model]]
) -> dict[str, Table]:
    """The models' tables in the database, without those that are not on the search path."""
    names = [model._meta.table_name for model in models]  # noqa: SLF001 - Peewee's documented name
    references = {
        (table, column): Reference(target, target_column, _ON_DELETE[action])
        for table, column, target, target_column, action in database.execute_sql(
            _REFERENCES, (names,)
        ).fetchall()
    }
    tables: dict[str, dict[str, Column]] = {}
    for table, name, kind, nullable, default, unique, values in database.execute_sql(
        _COLUMNS, (names,)
    ).fetchall():
        tables.setdefault(table, {})[name] = Column(
            type=kind,
            nullable=nullable,
            default=_plain_default(default),
            unique=unique,
            reference=references.get((table, name)),
            values=tuple(values),
        )
    return dict(tables)


def _expected_column(field: peewee.Field) -> Column:
    reference = None
    if isinstance(field, peewee.ForeignKeyField):
        reference = Reference(
            field.rel_model._meta.table_name,  # noqa: SLF001 - Peewee's documented name
            field.rel_field.column_name,
            field.on_delete or "NO ACTION",
        )
    return Column(
        type=_expected_type(field),
        nullable=field.null,
        default=SERIAL if isinstance(field, peewee.AutoField) else _expected_default(field),
        unique=field.unique or field.primary_key,
        reference=reference,
        values=tuple(sorted(field.values)) if isinstance(field, Enum) else (),
    )


def _expected_type(field: peewee.Field) -> str:
    if isinstance(field, peewee.ForeignKeyField):
        return _expected_type(field.rel_field)
    if isinstance(field, Enum):
        return field.field_type
    if isinstance(field, peewee.CharField):
        return f"character varying({field.max_length})"
    return _TYPES[type(field)]


def _expected_default(field: peewee.Field) -> str | None:
    for constraint in field.constraints or ():
        if isinstance(constraint, peewee.SQL) and constraint.sql.startswith("DEFAULT "):
            return _plain_default(constraint.sql.removeprefix("DEFAULT "))
    return None


def _plain_default(expression: str | None) -> str | None:
    """The default without casts, brackets and quotes, so that equal defaults compare equal."""
    if expression is None:
        return None
    if expression.startswith("nextval"):
        return SERIAL
    plain = re.sub(r"::[a-z_ \".]+(\([0-9]+\))?", "", expression).strip("()")
    if plain.lower() in {"current_timestamp", "localtimestamp", "now"}:
        return NOW
    return plain.strip("'")
