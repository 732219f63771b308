"""Queries, written with Peewee and compiled to text once: building the text costs ten times the query.

A query marks what is given at run time with `bind("name")`; `Dialect.compile` turns it into a
`Statement`, and `Statement.bind(name=...)` into a `Step` that a database can run. The text is built when
it is needed first: the job of a call needs few of all statements, and a caller waits for it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import peewee

BindType = Literal["integer", "text", "timestamp", "date", "json"]

_names: Final[Iterator[int]] = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Bind:
    """Stands among a query's parameters for a value that is given at run time."""

    name: str
    kind: BindType


def bind(name: str, kind: BindType = "text") -> peewee.Value:
    """A parameter; its type is told to PostgreSQL, which cannot always see it."""
    return peewee.Value(Bind(name, kind), converter=False, unpack=False)


@dataclass(frozen=True, slots=True)
class Step:
    """One statement with its values, ready to run."""

    statement: Statement
    values: tuple[Any, ...]


class Statement:
    """Text; `parameters` holds constants, and a Bind where a value is due.

    `name` is unique in this process; PostgreSQL prepares the statement under it.
    """

    def __init__(self, build: Callable[[], tuple[str, Sequence[Any]]]) -> None:
        self.name = f"q{next(_names)}"
        self._build = build

    @property
    def sql(self) -> str:
        """The text, with `%s` or `?` for each parameter."""
        return self._text[0]

    @property
    def parameters(self) -> tuple[Any, ...]:
        """In the order of their marks."""
        return self._text[1]

    @cached_property
    def _text(self) -> tuple[str, tuple[Any, ...]]:
        sql, parameters = self._build()
        del self._build  # and the query with it
        return sql, tuple(parameters)

    def bind(self, **values: Any) -> Step:
        """Give the values. Raises KeyError when one is missing."""
        given = (values[p.name] if isinstance(p, Bind) else p for p in self.parameters)
        return Step(self, tuple(given))


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of database spells a query."""

    database: peewee.Database
    name: Literal["postgresql", "sqlite"]

    def compile(self, query: peewee.Node) -> Statement:
        """The query as a statement of this dialect."""
        context = self.database.get_sql_context
        return Statement(lambda: context().sql(query).query())

    def raw(self, sql: str, *binds: Bind) -> Statement:
        """A statement that Peewee has no words for; `%s` or `?` marks each bind."""
        return Statement(lambda: (sql, binds))

    def later(self, one: peewee.Node, other: peewee.Node) -> peewee.Node:
        """The later of two times."""
        if self.name == "postgresql":
            return peewee.fn.GREATEST(one, other)
        return peewee.fn.MAX(one, other)  # of two arguments it is no aggregate

    def elapsed_seconds(self, start: peewee.Node, end: peewee.Node) -> peewee.Node:
        """Whole seconds from `start` to `end`, rounded."""
        if self.name == "postgresql":
            difference = peewee.NodeList((end, peewee.SQL("-"), start), parens=True)
            epoch = peewee.NodeList((peewee.SQL("EPOCH FROM"), difference))
            return peewee.fn.ROUND(peewee.fn.EXTRACT(epoch)).cast("integer")
        days = peewee.Expression(peewee.fn.julianday(end), "-", peewee.fn.julianday(start))
        return peewee.fn.ROUND(days * 86_400).cast("integer")

    def merged_json(self, column: peewee.Field, addition: peewee.Node) -> peewee.Node:
        """The JSON object in `column` with the keys of `addition` put in or replaced."""
        if self.name == "postgresql":
            is_object = peewee.fn.json_typeof(column) == "object"
            present = peewee.Case(
                None, [(is_object, column.cast("jsonb"))], peewee.SQL("'{}'::jsonb")
            )
            joined = peewee.NodeList(
                (present, peewee.SQL("||"), addition, peewee.SQL("::jsonb")), parens=True
            )
            return peewee.Cast(joined, "json")
        return peewee.fn.json_patch(peewee.fn.COALESCE(column, "{}"), addition)


def single(rows: Sequence[tuple[Any, ...]]) -> tuple[Any, ...] | None:
    """The only row, or None."""
    return rows[0] if rows else None
