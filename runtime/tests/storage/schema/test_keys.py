"""Keys of the runtime's own tables beyond 32 bits."""

from __future__ import annotations

from contextlib import closing

import psycopg2

from agent_runtime.domain.agents.agent import Registration
from agent_runtime.storage import RegisteredAgents, StoredEvents, StoredSessions, open_database


async def test_tables_work_beyond_two_billion_rows(postgres_url: str) -> None:
    """After 2^31 rows, of which most were deleted, agents can be registered and events read."""
    with closing(psycopg2.connect(postgres_url)) as connection, connection.cursor() as statements:
        for table in ("runtime_registrations", "runtime_session_events", "runtime_utterances"):
            statements.execute(f"SELECT setval('{table}_id_seq', 3000000000)")
        statements.execute(
            "INSERT INTO runtime_session_events (session_id, at, kind, detail)"
            " VALUES ('s', now(), 'created', 'x') RETURNING id"
        )
        assert statements.fetchone() == (3_000_000_001,)
        connection.commit()
    database = open_database(postgres_url)
    try:
        agents = RegisteredAgents(database, StoredSessions(database))
        await agents.register(Registration(7, 3, {}, 5))
        assert list(await agents.list_ids()) == [7]
        events = StoredEvents(database)
        ((number, _),) = await events.read("s")
        assert await events.read("s", number) == []
    finally:
        await database.close()
