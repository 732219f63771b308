"""`db check` finds every difference between the models and PostgreSQL's system catalog."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg2
import pytest

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.storage.schema.check import Difference, check_schema
from agent_runtime.storage.schema.migrations import migrate_postgres
from fixtures.servers.postgres import SHARED_SCHEMA


def execute(url: str, *statements: str) -> None:
    """Run statements as the owner of the tables does."""
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()


@pytest.fixture
def owners_url(empty_postgres: str) -> str:
    """A database as in production: the owner's thirteen tables, and the runtime's own by migration."""
    execute(empty_postgres, SHARED_SCHEMA.read_text())
    migrate_postgres(empty_postgres)
    return empty_postgres


def test_owners_schema_is_as_expected(owners_url: str) -> None:
    """The owner's schema and the runtime's migrations have no finding."""
    assert check_schema(owners_url) == []


def test_development_schema_is_as_expected(postgres_url: str) -> None:
    """The schema that tests and development create has no finding."""
    assert check_schema(postgres_url) == []


SEEDED = {
    "table": (["DROP TABLE tenant_metrics"], "tenant_metrics", None, Difference.TABLE),
    "column": (
        ["ALTER TABLE agents DROP COLUMN temperature"],
        "agents", "temperature", Difference.COLUMN,
    ),
    "required column": (
        ["ALTER TABLE session_metrics ADD region text NOT NULL"],
        "session_metrics", "region", Difference.COLUMN,
    ),
    "type": (
        ["ALTER TABLE session_metrics ALTER total_cost TYPE bigint"],
        "session_metrics", "total_cost", Difference.TYPE,
    ),
    "length": (
        ["ALTER TABLE users ALTER email TYPE varchar(255)"], "users", "email", Difference.TYPE,
    ),
    "time zone": (
        ["ALTER TABLE rooms ALTER started_at TYPE timestamptz"],
        "rooms", "started_at", Difference.TYPE,
    ),
    "json": (
        ["ALTER TABLE rooms ALTER metadata TYPE jsonb"], "rooms", "metadata", Difference.TYPE,
    ),
    "values": (
        ["ALTER TYPE tenant_status ADD VALUE 'archived'"],
        "tenants", "status", Difference.VALUES,
    ),
    "not null": (
        ["ALTER TABLE agent_instance_sessions ALTER duration_seconds SET NOT NULL"],
        "agent_instance_sessions", "duration_seconds", Difference.NULLABLE,
    ),
    "null": (
        ["ALTER TABLE users ALTER open_id DROP NOT NULL"],
        "users", "open_id", Difference.NULLABLE,
    ),
    "default": (
        ["ALTER TABLE agents ALTER max_concurrent_sessions SET DEFAULT 5"],
        "agents", "max_concurrent_sessions", Difference.DEFAULT,
    ),
    "no default": (
        ["ALTER TABLE rooms ALTER created_at DROP DEFAULT"],
        "rooms", "created_at", Difference.DEFAULT,
    ),
    "no sequence": (
        ["ALTER TABLE settings ALTER id DROP DEFAULT"], "settings", "id", Difference.DEFAULT,
    ),
    "not unique": (
        ["ALTER TABLE tenants DROP CONSTRAINT tenants_slug_key"],
        "tenants", "slug", Difference.UNIQUE,
    ),
    "unique": (
        ["CREATE UNIQUE INDEX ON agent_instance_sessions (room_name)"],
        "agent_instance_sessions", "room_name", Difference.UNIQUE,
    ),
    "no foreign key": (
        ["ALTER TABLE participants DROP CONSTRAINT participants_room_id_fkey"],
        "participants", "room_id", Difference.REFERENCE,
    ),
    "other foreign key": (
        [
            "ALTER TABLE agents DROP CONSTRAINT agents_user_id_fkey",
            "ALTER TABLE agents ADD FOREIGN KEY (user_id) REFERENCES users (id)",
        ],
        "agents", "user_id", Difference.REFERENCE,
    ),
    "own table": (
        ["DROP INDEX runtime_live_sessions_claimed_room"],
        "runtime_live_sessions", "claimed_room", Difference.UNIQUE,
    ),
    "migration": (
        ["DELETE FROM runtime_schema_version"],
        "runtime_schema_version", None, Difference.MIGRATION,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("statements", "table", "column", "kind"), SEEDED.values(), ids=SEEDED)
def test_each_difference_is_named(
    owners_url: str, statements: Sequence[str], table: str, column: str | None, kind: Difference
) -> None:
    """One change of the schema gives one finding with its table, column and kind."""
    execute(owners_url, *statements)
    (finding,) = check_schema(owners_url)
    assert (finding.table, finding.column, finding.difference) == (table, column, kind)
    assert str(finding).startswith(table if column is None else f"{table}.{column}")


def test_harmless_additions_are_no_finding(owners_url: str) -> None:
    """Tables, optional columns and plain indexes of other programs are no finding."""
    execute(
        owners_url,
        "CREATE TABLE invoices (id serial PRIMARY KEY)",
        "ALTER TABLE agents ADD colour text",
        "CREATE INDEX ON session_metrics (session_id)",
        "ALTER TABLE rooms ALTER started_at SET DEFAULT NULL",
    )
    assert check_schema(owners_url) == []


def test_empty_database_lists_every_table(empty_postgres: str) -> None:
    """An empty database has a finding for each shared table, and one that names the migration command."""
    findings = check_schema(empty_postgres)
    assert len(findings) == 14
    assert "agent-runtime db migrate" in str(findings[0])


def test_sqlite_has_no_findings(sqlite_url: str) -> None:
    """An SQLite file has no finding: the runtime creates all its tables."""
    assert check_schema(sqlite_url) == []


def test_unreachable_database_is_unavailable(empty_postgres: str) -> None:
    """An unreachable server raises StoreUnavailable instead of returning no findings."""
    address = empty_postgres.rpartition("@")[0]
    with pytest.raises(StoreUnavailable):
        check_schema(f"{address}@127.0.0.1:1/nothing")
