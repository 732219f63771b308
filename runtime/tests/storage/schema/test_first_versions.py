"""What was registered before versions were kept is each agent's version 1."""

from __future__ import annotations

import json
from pathlib import Path

import peewee
import pytest

from agent_runtime.domain.agents.agent import Registration
from agent_runtime.storage import RegisteredAgents, StoredSessions, open_database
from agent_runtime.storage.schema import migrations
from agent_runtime.storage.schema.development import create_schema

_BEFORE = 4  # the last version of the tables without versions of agents
_OLD = """
    INSERT INTO runtime_registrations
        (agent_id, tenant_id, config, max_sessions, created_at, updated_at)
    VALUES (7, 3, '{"voiceId": "v", "name": "A"}', 5, '2026-01-31 10:00:00', '2026-01-31 11:00:00')
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def old_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database whose tables are of an earlier version, with one registration."""
    steps = migrations.STEPS
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrations, "STEPS", [one for one in steps if one.version <= _BEFORE])
        if request.param == "postgresql":
            url: str = request.getfixturevalue("empty_postgres")
            with migrations.postgres_transaction(url) as database:
                migrations.apply_steps(database)
                database.execute_sql(_OLD)
            create_schema(url)
            return url
        path = tmp_path / "old.sqlite3"
        file = peewee.SqliteDatabase(str(path))
        with file.atomic():
            migrations.apply_steps(file)
            file.execute_sql(_OLD)
        file.close()
        return f"sqlite:///{path}"


async def test_an_earlier_registration_is_version_1(old_url: str) -> None:
    """It stays version 1 when it is registered again with the same content, and has a history."""
    if old_url.startswith("postgresql"):
        migrations.migrate_postgres(old_url)
    database = open_database(old_url)
    try:
        agents = RegisteredAgents(database, StoredSessions(database))
        found = await agents.get(7)
        assert found is not None
        assert (found.version, found.config) == (1, {"voiceId": "v", "name": "A"})
        again = Registration(7, 3, json.loads('{"voiceId": "v", "name": "A"}'), 5)
        assert await agents.register(again) == 1
        assert await agents.register(Registration(7, 3, {"name": "B"}, 5)) == 2
        assert [one.version for one in await agents.history(7)] == [2, 1]
        assert await agents.version(7, 1) == again
    finally:
        await database.close()
