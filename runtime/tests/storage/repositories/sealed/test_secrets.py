"""Secrets of agents at rest: encrypted, rotated, and gone when they are deleted."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from agent_runtime.domain.agents.agent import Registration
from agent_runtime.domain.agents.config_source import KeptAnswer
from agent_runtime.domain.errors import SecretsUnreadable
from agent_runtime.domain.session import Session, new_session
from agent_runtime.secrecy.keyring import Keyring, generate_key, read_keys
from agent_runtime.storage import Database, RegisteredAgents, StoredLeases, StoredSessions
from agent_runtime.storage.repositories.registry.platform_answers import StoredPlatformAnswers
from agent_runtime.storage.repositories.sealed.rotation import StoredSecrets

PLANTED = "pl4nted"


def secret(number: int) -> str:
    """One planted secret."""
    return f"{PLANTED}-{number}-{'x' * 20}"


def config(number: int) -> dict[str, Any]:
    """A configuration with a secret at every place that has one."""
    return {
        "llmConfig": {"apiKey": secret(number), "fallbacks": [{"api_key": secret(number + 1)}]},
        "ttsConfig": {"xi-thing": secret(number + 2)},
        "livekitConfig": {"apiSecret": secret(number + 3)},
        "langfuseConfig": {"secretKey": secret(number + 4)},
        "mcpConfig": {"servers": [{"headers": {"X-Own": secret(number + 5)}}]},
        "unknown": {"deep": [secret(number + 6)]},
    }


def ring(*keys: str) -> Keyring:
    """The ring of these keys."""
    return Keyring(read_keys(" ".join(keys)))


def agents_of(
    database: Database, keyring: Keyring | None = None, kept: int = 1
) -> RegisteredAgents:
    """The registry with these keys."""
    return RegisteredAgents(database, StoredSessions(database), kept, keyring=keyring)


def rows(url: str) -> Iterator[str]:
    """Every value of every table, as text."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
            yield from file.iterdump()
        return
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            yield from (row[0] for row in cursor.fetchall())


def files_with_secrets(folder: Path) -> list[str]:
    """The files in which a byte of a planted secret stands."""
    return [
        one.name
        for one in folder.rglob("*")
        if one.is_file() and PLANTED.encode() in one.read_bytes()
    ]


async def test_no_secret_is_stored_in_clear(database: Database, url: str, tmp_path: Path) -> None:
    """With a key, no row and no byte of a file holds a secret, and the configuration is read as given."""
    agents = agents_of(database, ring(generate_key()))
    for number in range(5):
        await agents.register(Registration(number + 1, 1, config(number), 10))
    assert (await agents.get(3)) == Registration(3, 1, config(2), 10)
    assert PLANTED not in "".join(rows(url))
    assert files_with_secrets(tmp_path) == []


async def test_rows_from_before_keep_working_and_are_encrypted(
    database: Database, url: str, tmp_path: Path
) -> None:
    """A row in clear is read with a key; `rotate` encrypts it, and nothing of it stays in any file."""
    for number in range(60):  # more than one batch
        await agents_of(database).register(Registration(number + 1, 1, config(number), 10))
    keyring = ring(generate_key())
    assert (await agents_of(database, keyring).get(9)) == Registration(9, 1, config(8), 10)
    secrets = StoredSecrets(database, keyring)
    assert await secrets.counts() == {None: 120}
    done = await secrets.rotate()
    assert (done.encrypted, done.current, done.unreadable) == (120, 0, ())
    assert await secrets.counts() == {keyring.first: 120}
    assert (await agents_of(database, keyring).get(9)) == Registration(9, 1, config(8), 10)
    assert PLANTED not in "".join(rows(url))
    assert files_with_secrets(tmp_path) == []
    assert (await secrets.rotate()).current == 120


async def test_the_last_answers_of_the_platform(database: Database, url: str) -> None:
    """What the platform's service answered is encrypted as well, and takes part in a rotation."""
    old, new = ring(generate_key()), ring(generate_key())
    given = KeptAnswer(config(1), "etag", datetime.now(UTC))
    await StoredPlatformAnswers(database, old).keep(7, given)
    assert PLANTED not in "".join(rows(url))
    _, kept = await StoredPlatformAnswers(database, old).read(7)
    assert kept is not None
    assert kept.document == config(1)
    with pytest.raises(SecretsUnreadable):
        await StoredPlatformAnswers(database, new).read(7)
    assert await StoredSecrets(database, new).counts() == {old.first: 1}


async def test_an_old_key_can_be_dropped_after_a_rotation(database: Database) -> None:
    """After `rotate` with the new key in front, the old key opens nothing and is needed for nothing."""
    old, new = generate_key(), generate_key()
    await agents_of(database, ring(old)).register(Registration(7, 1, config(1), 10))
    assert (await StoredSecrets(database, ring(new, old)).rotate()).encrypted == 2
    assert (await agents_of(database, ring(new)).get(7)) == Registration(7, 1, config(1), 10)
    with pytest.raises(SecretsUnreadable):
        await agents_of(database, ring(old)).get(7)


async def test_a_missing_key_is_named(database: Database) -> None:
    """Without its key a registration is refused with the variable's name, and its tenant is known."""
    await agents_of(database, ring(generate_key())).register(Registration(7, 3, config(1), 10))
    with pytest.raises(SecretsUnreadable, match="AGENT_RUNTIME_SECRET_KEY") as caught:
        await agents_of(database).get(7)
    assert caught.value.tenant_id == 3
    done = await StoredSecrets(database, ring(generate_key())).rotate()
    assert (done.encrypted, len(done.unreadable)) == (0, 1)


async def test_a_row_moved_to_another_agent_is_refused(database: Database, url: str) -> None:
    """Whoever may write to the database cannot give one agent the secrets of another."""
    agents = agents_of(database, ring(generate_key()))
    for agent_id in (7, 8):
        await agents.register(Registration(agent_id, 1, config(agent_id), 10))
    move = (
        "UPDATE runtime_registrations SET config = (SELECT config FROM runtime_registrations "
        "WHERE agent_id = 7) WHERE agent_id = 8"
    )
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file, file:
            file.execute(move)
    else:
        with psycopg2.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute(move)
        connection.close()
    with pytest.raises(SecretsUnreadable, match="belongs elsewhere"):
        await agents.get(8)


async def test_a_secret_among_the_variables_of_a_session(
    database: Database, url: str, tmp_path: Path
) -> None:
    """A job gets it back; no row has it in clear, and the shared table does not have it at all."""

    class Caller(Session):
        """A session whose caller brought a token."""

        @property
        def variables(self) -> dict[str, str]:
            """The variables, a secret among them."""
            return {"participantName": "Ada", "crmToken": secret(1)}

    keyring = ring(generate_key())
    sessions = StoredSessions(database, None, keyring)
    await RegisteredAgents(database, sessions, keyring=keyring).register(Registration(7, 1, {}, 10))
    made = new_session(7, 1, "lobby")
    await sessions.create(Caller(**{f.name: getattr(made, f.name) for f in fields(made)}))
    assert PLANTED not in "".join(rows(url))
    assert files_with_secrets(tmp_path) == []
    order = await StoredLeases(database, None, keyring).order(made.session_id)
    assert order is not None
    assert json.loads(order.metadata)["crmToken"] == secret(1)
    (live,) = await StoredLeases(database, None, keyring).live()
    assert live.variables == {"participantName": "Ada", "crmToken": secret(1)}
    (live,) = await StoredLeases(database).live()
    assert live.variables == {"participantName": "Ada"}


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_deleted_secret_leaves_the_file_and_the_log(
    database: Database, tmp_path: Path, database_kind: str
) -> None:
    """Without a key, secrets that were replaced, and whose version is forgotten, are soon in no file."""
    assert database_kind == "sqlite"
    agents = agents_of(database)
    for number in range(40):
        await agents.register(Registration(number + 1, 1, config(number), 10))
    assert files_with_secrets(tmp_path) != []
    for number in range(40):
        await agents.register(Registration(number + 1, 1, {"name": "n"}, 10))
        if number % 2:
            await agents.unregister(number + 1)
    async with asyncio.timeout(10):
        while files_with_secrets(tmp_path):  # noqa: ASYNC110 - a file sends no event
            await asyncio.sleep(0.1)
    assert json.dumps(config(1)) not in "".join(rows(f"sqlite:///{tmp_path / 'runtime.sqlite3'}"))
