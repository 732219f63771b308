"""The descriptor by which a class declares a statement right above the method that runs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import peewee

from agent_runtime.storage.sql.dialects import Dialect
from agent_runtime.storage.sql.statements import Statement


class HasDialect(Protocol):
    """An object whose statements are of one dialect."""

    @property
    def dialect(self) -> Dialect:
        """The dialect of its database."""


class CompiledOnce:
    """A query that becomes one `Statement` for each dialect, shared by the whole process.

        _get = CompiledOnce(lambda: Users.select().where(Users.id == bind("id", "integer")))

        async def get(self, user_id: int) -> Rows:
            return await self._database.read(self._get.bind(id=user_id))

    Peewee builds the query and its text at the first use, and never again.
    """

    def __init__(self, build: Callable[[], peewee.Node]) -> None:
        self._build = build
        self._statements: dict[Dialect, Statement] = {}

    def __get__(self, owner: HasDialect, _: type | None = None) -> Statement:
        dialect = owner.dialect
        statement = self._statements.get(dialect)
        if statement is None:
            # Two threads may both come here: setdefault gives them the same statement.
            fresh = Statement(lambda: dialect.render(self._build()))
            statement = self._statements.setdefault(dialect, fresh)
        return statement
