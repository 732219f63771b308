"""The SQL of PostgreSQL and of SQLite, and the expressions that they spell differently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import peewee

from agent_runtime.storage.sql.statements import Bind, Statement

DialectName = Literal["postgresql", "sqlite"]


@dataclass(frozen=True, slots=True, eq=False)
class Dialect:
    """How one kind of database spells a query. `database` only renders text; it never connects."""

    database: peewee.Database
    name: DialectName

    def compile(self, query: peewee.Node) -> Statement:
        """The query as a statement of this dialect."""
        return Statement(lambda: self.render(query))

    def render(self, query: peewee.Node) -> tuple[str, tuple[object, ...]]:
        """The text of the query, and its parameters."""
        sql, parameters = self.database.get_sql_context(dialect=self.name).sql(query).query()
        return sql, tuple(parameters)

    def raw(self, sql: str, *binds: Bind) -> Statement:
        """A statement that Peewee cannot express; `%s` or `?` stands for each bind."""
        return Statement(lambda: (sql, binds))


POSTGRESQL: Final = Dialect(peewee.PostgresqlDatabase(None), "postgresql")
SQLITE: Final = Dialect(peewee.SqliteDatabase(None), "sqlite")


class ByDialect(peewee.ColumnBase):
    """An expression with one form for each dialect."""

    def __init__(self, *, postgresql: peewee.Node, sqlite: peewee.Node) -> None:
        self._forms = {"postgresql": postgresql, "sqlite": sqlite}

    def __sql__(self, ctx: peewee.Context) -> peewee.Context:
        form = self._forms[ctx.state.dialect]  # set by Dialect.render
        rendered: peewee.Context = ctx.sql(form)
        return rendered


def later(one: peewee.Node, other: peewee.Node) -> peewee.Node:
    """The later of two times."""
    return ByDialect(
        postgresql=peewee.fn.GREATEST(one, other),
        sqlite=peewee.fn.MAX(one, other),  # with two arguments it is not an aggregate
    )


def elapsed_seconds(start: peewee.Node, end: peewee.Node) -> peewee.Node:
    """Whole seconds from `start` to `end`, rounded."""
    difference = peewee.NodeList((end, peewee.SQL("-"), start), parens=True)
    epoch = peewee.NodeList((peewee.SQL("EPOCH FROM"), difference))
    days = peewee.Expression(peewee.fn.julianday(end), "-", peewee.fn.julianday(start))
    return ByDialect(
        postgresql=peewee.fn.ROUND(peewee.fn.EXTRACT(epoch)).cast("integer"),
        sqlite=peewee.fn.ROUND(days * 86_400).cast("integer"),
    )


def merged_json(column: peewee.Field, addition: peewee.Node) -> peewee.Node:
    """The JSON object in `column` with the keys of `addition` added or replaced."""
    is_object = peewee.fn.json_typeof(column) == "object"
    present = peewee.Case(None, [(is_object, column.cast("jsonb"))], peewee.SQL("'{}'::jsonb"))
    joined = peewee.NodeList(
        (present, peewee.SQL("||"), addition, peewee.SQL("::jsonb")), parens=True
    )
    return ByDialect(
        postgresql=peewee.Cast(joined, "json"),
        sqlite=peewee.fn.json_patch(peewee.fn.COALESCE(column, "{}"), addition),
    )


def inserted_id(model: type[peewee.Model]) -> peewee.Node:
    """The id of the row that this transaction inserted last into the model's table."""
    table = model._meta.table_name  # noqa: SLF001 - Peewee's documented name
    sequence = peewee.fn.pg_get_serial_sequence(peewee.SQL(f"'{table}'"), peewee.SQL("'id'"))
    return ByDialect(postgresql=peewee.fn.currval(sequence), sqlite=peewee.fn.last_insert_rowid())


def as_json(text: peewee.Node) -> peewee.Node:
    """A text as the value of a `json` column."""
    return ByDialect(postgresql=peewee.Cast(text, "json"), sqlite=text)
