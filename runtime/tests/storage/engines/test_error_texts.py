"""Errors of the databases name the code and the place, and no value of a row."""

from __future__ import annotations

import logging
import re
import traceback

import psycopg2
import pytest

from agent_runtime.domain.agents.agent import Registration
from agent_runtime.storage import Database, RegisteredAgents, StoredSessions
from agent_runtime.storage.sql.database import StatementRefused
from agent_runtime.storage.sql.statements import Bind

PLANTED = "pl4nted-s3cret"
CONFIG = {"llmConfig": {"apiKey": PLANTED}, "systemPrompt": f"say '{PLANTED}'"}


@pytest.fixture(params=["postgresql", "postgresql-unprepared"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """PostgreSQL, whose errors quote values."""
    kind: str = request.param
    return kind


def texts_of(error: BaseException) -> str:
    """All that a log or a traceback would show of the error."""
    return "".join(traceback.format_exception(error)) + repr(error)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("ALTER TABLE runtime_registrations ADD COLUMN more text NOT NULL", "23502"),
        ("ALTER TABLE runtime_registrations ADD CONSTRAINT few CHECK (max_sessions < 5)", "23514"),
        (
            "ALTER TABLE runtime_registrations ALTER COLUMN config TYPE integer USING 1",
            "22P02|is of type integer",
        ),
        ("ALTER TABLE runtime_registrations ALTER COLUMN config TYPE varchar(5) USING ''", "22001"),
    ],
)
async def test_a_refused_row_is_not_quoted(
    database: Database, url: str, change: str, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An INSERT that a constraint, a type or a width refuses shows SQLSTATE and table, never its values."""
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(change)
    connection.close()
    agents = RegisteredAgents(database, StoredSessions(database))
    with caplog.at_level(logging.DEBUG), pytest.raises(Exception) as caught:  # noqa: PT011
        await agents.register(Registration(7, 3, CONFIG, 10))
    assert PLANTED not in texts_of(caught.value) + caplog.text
    assert "Failing row" not in texts_of(caught.value)
    if code != "22001":
        assert re.search(code, str(caught.value))


@pytest.mark.parametrize(
    "sql", [f"SELECT {PLANTED}x 'y", "SELECT %s::integer", "SELECT %s::agent_type"]
)
async def test_a_value_in_a_message_is_not_quoted(database: Database, sql: str) -> None:
    """A syntax error and a malformed value quote what they met; our error does not."""
    binds = [Bind("value", "text")] if "%s" in sql else []
    statement = database.dialect.raw(sql, *binds)
    with pytest.raises(StatementRefused, match=r"SQLSTATE|does not exist") as caught:
        await database.read(statement.bind(value=PLANTED))
    assert PLANTED not in texts_of(caught.value)
