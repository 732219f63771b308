"""PostgreSQL databases in other encodings than UTF-8."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import psycopg2
import pytest

from agent_runtime.domain.agents.agent import Registration
from agent_runtime.domain.session import new_session
from agent_runtime.storage import RegisteredAgents, StoredSessions, open_database
from agent_runtime.storage.schema.check import check_schema
from agent_runtime.storage.schema.development import create_schema
from agent_runtime.storage.sql.database import UnstorableError
from fixtures.servers import PostgresServer


@pytest.fixture(params=["SQL_ASCII", "LATIN1"])
def encoding(request: pytest.FixtureRequest) -> str:
    """An encoding that databases of old installations have."""
    name: str = request.param
    return name


@pytest.fixture
def encoded_url(postgres: PostgresServer, encoding: str) -> Iterator[str]:
    """A database in that encoding, with all tables."""
    name = f"in_{encoding.lower()}"
    with closing(psycopg2.connect(postgres.url)) as connection:
        connection.autocommit = True
        with connection.cursor() as statements:
            statements.execute(
                f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0"
                " LC_COLLATE 'C' LC_CTYPE 'C'"
            )
            url = f"{postgres.url.rpartition('/')[0]}/{name}"
            create_schema(url)
            yield url
            statements.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("room", ["plain", "Zoë", "日本語", "ë" * 128])
async def test_a_text_comes_back_or_is_refused(encoded_url: str, encoding: str, room: str) -> None:
    """A text is read as it was written; one that the database cannot store is refused in words."""
    database = open_database(encoded_url)
    try:
        sessions = StoredSessions(database)
        await RegisteredAgents(database, sessions).register(Registration(7, 3, {"name": room}, 5))
        session = new_session(7, 3, room, room, now=datetime.now(UTC))
        storable = (
            room == "plain"
            or (encoding == "LATIN1" and room[0] in "Zë")
            or (encoding == "SQL_ASCII" and len(room.encode()) <= 255)
        )
        if storable:
            await sessions.create(session)
            found = await sessions.get(session.session_id)
            assert found is not None
            assert found.room_name == room
        else:
            with pytest.raises(UnstorableError, match="ENCODING 'UTF8'"):
                await sessions.create(session)
    finally:
        await database.close()


def test_db_check_says_what_cannot_be_stored(encoded_url: str, encoding: str) -> None:
    """`db check` reports the encoding, and what a database of it does not store."""
    (finding,) = check_schema(encoded_url)
    assert str(finding).startswith(f"database: encoding: expected UTF8, found {encoding}: ")
    assert "cannot be stored" in str(finding)
