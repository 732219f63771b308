"""Statements are compiled once for each dialect, never for a call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import peewee
import pytest

from agent_runtime.domain.agents.agent import Registration
from agent_runtime.domain.metrics import DateRange
from agent_runtime.domain.session import SessionStatus, new_session
from agent_runtime.storage import (
    Database,
    RegisteredAgents,
    StoredLeases,
    StoredMetrics,
    StoredSessions,
)
from agent_runtime.storage.sql.compiled import CompiledOnce
from agent_runtime.storage.sql.dialects import POSTGRESQL, SQLITE, Dialect


@dataclass
class Owner:
    """An object of one dialect with a statement."""

    dialect: Dialect
    statement = CompiledOnce(lambda: peewee.Select(columns=[peewee.Value(1)]))


def test_objects_of_one_dialect_share_a_statement() -> None:
    """Two objects of one dialect get the same statement, those of two dialects one each."""
    assert Owner(SQLITE).statement is Owner(SQLITE).statement
    assert Owner(SQLITE).statement.sql == "SELECT ?"
    assert Owner(POSTGRESQL).statement.sql == "SELECT %s"


@pytest.fixture
def renders(monkeypatch: pytest.MonkeyPatch) -> list[peewee.Context]:
    """Each text that Peewee renders from now on."""
    rendered: list[peewee.Context] = []
    query = peewee.Context.query

    def spy(context: peewee.Context) -> Any:
        rendered.append(context)
        return query(context)

    monkeypatch.setattr(peewee.Context, "query", spy)
    return rendered


def test_spy_sees_a_compilation(renders: list[peewee.Context]) -> None:
    """The test below counts compilations: a new statement is one, however often it is bound."""
    statement = SQLITE.compile(peewee.Select(columns=[peewee.Value(1)]))
    statement.bind()
    statement.bind()
    assert len(renders) == 1


async def test_no_call_compiles_what_an_earlier_call_has(
    database: Database, renders: list[peewee.Context]
) -> None:
    """A second round of calls builds no SQL text, not even with new repositories."""

    async def use() -> None:
        sessions = StoredSessions(database)
        agents = RegisteredAgents(database, sessions)
        await agents.register(Registration(7, 1, {}, 10))
        await agents.status(7)
        session = new_session(7, 1, "")
        await sessions.create(session)
        await sessions.finish(session.session_id, SessionStatus.ENDED)
        await StoredLeases(database).live()
        await StoredMetrics(database).agent(7, DateRange())
        await agents.unregister(7)
        await database.check()

    await use()
    renders.clear()
    await use()
    assert renders == []
