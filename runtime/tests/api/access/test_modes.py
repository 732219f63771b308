"""When a key is required, and what happens while the database that knows the keys is away."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg2
import pytest

from agent_runtime.settings import Settings, SettingsError
from fixtures.runtime_client.judged_api import JudgedApi
from fixtures.servers import PostgresServer
from runtime.tests.api.start import StartApi

from .keyring import make_key, revoke

NOBODY = {"Authorization": ""}
# Seconds within which a revocation takes effect, as docs/keys.md promises.
PROMISED = 5.0


def within(seconds: float, reached: Callable[[], bool]) -> float:
    """Seconds until it is reached. Fails when that takes longer."""
    began = time.monotonic()
    while not reached():
        assert time.monotonic() - began < seconds, "not in time"
    return time.monotonic() - began


def status(api: JudgedApi, key: str = "") -> int:
    """The status of a listing with this key."""
    return api.send("GET", "/api/agents", headers={"Authorization": key}).status


def test_the_first_key_closes_an_open_api(start_api: StartApi, database: str) -> None:
    """The first key of an open API closes it to all others, within the promised time and for good."""
    with start_api(key="", DATABASE_URL=database) as api:
        assert status(api) == 200
        key, made = make_key(database, "first")
        assert status(api, key) == 200
        within(PROMISED + 2, lambda: status(api) == 401)
        assert api.send("GET", "/api/sessions/x", headers=NOBODY).status == 401
        assert api.send("GET", "/metrics", headers=NOBODY).status == 401
        assert api.send("GET", "/metrics", headers={"Authorization": key}).status == 200
        revoke(database, made)
        within(PROMISED + 2, lambda: status(api, key) == 401)
    # The key is invalid now, and still nobody gets in: nor after a new start.
    with start_api(key="", DATABASE_URL=database) as api:
        assert status(api) == 401


def test_a_revocation_takes_effect_in_the_promised_time(
    keyed_api: JudgedApi, database: str
) -> None:
    """A key that is in use is refused soon after it was revoked."""
    key, made = make_key(database, "short-lived")
    assert status(keyed_api, key) == 200
    revoke(database, made)
    within(PROMISED + 1, lambda: status(keyed_api, key) == 401)


@pytest.mark.parametrize("platform", ["", "the-key"])
def test_without_the_database_nobody_but_the_platform_gets_in(
    start_api: StartApi, postgres: PostgresServer, platform: str
) -> None:
    """While PostgreSQL is away, keys of the table and requests without one are 503, and learn no host."""
    from agent_runtime.storage.schema.development import create_schema

    with postgres.database() as url:
        create_schema(url)
        key, _ = make_key(url, "builder")
        with start_api(key=platform, DATABASE_URL=url) as api:
            assert status(api, key) == 200
            name = url.rpartition("/")[2]
            with closing(psycopg2.connect(url.rpartition("/")[0] + "/postgres")) as connection:
                connection.autocommit = True
                connection.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")
            within(PROMISED + 3, lambda: "key cannot be checked" in send(api, key))
            assert "127.0.0.1" not in send(api, key)
            assert api.send("GET", "/metrics", headers={"Authorization": key}).status == 503
            assert status(api) == (401 if platform else 503)
            # A stranger now: the reason names nothing but the part.
            ready = api.send("GET", "/ready", headers={"Authorization": key}).json
            assert ready["reason"] == "database is not available"
            if platform:
                assert api.send("GET", "/metrics").status == 200


def send(api: JudgedApi, key: str) -> str:
    """The error of a listing with this key, empty when there is none."""
    answer = api.send("GET", "/api/agents", headers={"Authorization": key})
    return "" if answer.status == 200 else answer.error


@pytest.mark.parametrize(
    ("scopes", "tenant", "detailed"),
    [("all", None, True), ("agents:read", None, False), ("all", 1, False)],
)
def test_ready_tells_why_to_who_may_know(
    start_api: StartApi, tmp_path: Path, scopes: str, tenant: int | None, *, detailed: bool
) -> None:
    """The reason with its hosts is for keys with the scope prometheus, which no tenant's key has."""
    from agent_runtime.domain.access.keys import parse_scopes

    url = f"sqlite:///{tmp_path / 'api.sqlite3'}"
    given = () if scopes == "all" else parse_scopes(scopes)
    key, _ = make_key(url, "probe", scopes=given, tenant=tenant)
    with start_api(DATABASE_URL=url, LIVEKIT_URL="ws://127.0.0.1:9") as api:
        ready = api.send("GET", "/ready", headers={"Authorization": key})
        assert ready.status == 503
        assert ("127.0.0.1" in ready.json["reason"]) is detailed


def test_the_day_of_use_is_stored(keyed_api: JudgedApi, database: str) -> None:
    """A key that was used shows the day, soon and once."""
    import asyncio

    from agent_runtime.storage import StoredKeys, open_database

    key, made = make_key(database, "used")
    assert status(keyed_api, key) == 200

    async def last_used() -> object:
        opened = open_database(database, prepare=True, pool_size=1)
        try:
            return {one.id: one.last_used for one in await StoredKeys(opened).all()}[made.id]
        finally:
            await opened.close()

    within(5, lambda: asyncio.run(last_used()) == datetime.now(UTC).date())


def test_settings_look_for_keys_only_where_they_matter() -> None:
    """On an address that strangers reach, keys in the database stand for AGENT_RUNTIME_API_KEY."""
    asked: list[str] = []

    def exist(settings: Settings) -> bool:
        asked.append(settings.api.address)
        return len(asked) == 1

    everywhere = {"HOST": "10.0.0.1"}
    found = Settings.load(everywhere, serves_api=True, keys_exist=exist)
    assert found.api.address == "10.0.0.1"
    with pytest.raises(SettingsError, match="keys create"):
        Settings.load(everywhere, serves_api=True, keys_exist=exist)
    for harmless in ({}, {**everywhere, "AGENT_RUNTIME_API_KEY": "k"}, {"HOST": "::1"}):
        Settings.load(harmless, serves_api=True, keys_exist=exist)
    Settings.load(everywhere, keys_exist=exist)
    assert asked == ["10.0.0.1", "10.0.0.1"]
