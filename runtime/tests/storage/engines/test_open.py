"""Opening a database: URLs, creation, migrations, readiness."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import peewee
import psycopg2
import pytest

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.storage import StoredSessions, open_database
from agent_runtime.storage.schema.migrations import STEPS, migrate_postgres
from agent_runtime.storage.schema.runtime import RUNTIME_TABLES
from agent_runtime.storage.schema.shared.tables import SHARED_TABLES
from agent_runtime.storage.sql.url import sqlite_path
from agent_runtime.storage.sqlite.create import use_write_ahead_log

OPEN = "import sys; from agent_runtime.storage import open_database; open_database(sys.argv[1])"
MIGRATE = (
    "import sys; from agent_runtime.storage.schema.migrations import migrate_postgres;"
    "print(migrate_postgres(sys.argv[1]))"
)


def run_at_once(program: str, url: str, times: int = 4) -> list[str]:
    """Run the program in several processes at the same time; returns what each printed."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, url],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(times)
    ]
    printed = []
    for process in processes:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        printed.append(out.strip())
    return printed


def test_paths_of_sqlite_urls() -> None:
    """Three slashes begin a relative path, four an absolute one."""
    assert sqlite_path("sqlite:///data/a%20b.sqlite3") == Path("data/a b.sqlite3")
    assert sqlite_path("sqlite:////var/lib/a.sqlite3") == Path("/var/lib/a.sqlite3")


@pytest.mark.parametrize(
    "url", ["mysql://h/d", "sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///a?x=1", ""]
)
def test_unusable_url_is_an_error_with_the_remedy(url: str) -> None:
    """An unusable URL raises ValueError with the supported forms."""
    with pytest.raises(ValueError, match="use sqlite:///"):
        open_database(url)


def test_first_start_creates_the_sqlite_file(sqlite_url: str) -> None:
    """Opening a new SQLite file creates all tables, in write-ahead mode."""
    open_database(sqlite_url)
    file = sqlite3.connect(sqlite_path(sqlite_url))
    tables = {name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type='table'")}
    expected = {model._meta.table_name for model in (*SHARED_TABLES, *RUNTIME_TABLES)}
    assert expected <= tables
    assert file.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    file.close()


async def test_sqlite_connections_are_safe(sqlite_url: str) -> None:
    """An SQLite connection syncs each commit to the disk and enforces foreign keys."""
    from agent_runtime.storage.sqlite.database import connect

    await open_database(sqlite_url).close()
    connection = connect(sqlite_path(sqlite_url))
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
    connection.close()


def test_several_processes_may_create_the_sqlite_file(sqlite_url: str) -> None:
    """Of processes that open a new SQLite file together, none fails."""
    run_at_once(OPEN, sqlite_url)


def test_locked_sqlite_file_is_tried_again_while_its_mode_changes(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is locked while its journal mode changes is tried again, even without a timeout."""
    path = sqlite_path(sqlite_url)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("CREATE TABLE held (x)")
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM held").fetchall()
    waits: list[float] = []

    def release(seconds: float) -> None:
        waits.append(seconds)
        reader.close()

    monkeypatch.setattr("time.sleep", release)
    database = peewee.SqliteDatabase(str(path), timeout=0)
    with database.connection_context():
        use_write_ahead_log(database)
        assert database.execute_sql("PRAGMA journal_mode").fetchone() == ("wal",)
    assert len(waits) == 1


async def test_file_that_is_no_database(tmp_path: Path) -> None:
    """A file that is not a database raises StoreUnavailable with the file's name."""
    file = tmp_path / "text.sqlite3"
    file.write_text("this is no database, and it is long enough to be read as one" * 20)
    with pytest.raises(StoreUnavailable, match=r"text\.sqlite3"):
        open_database(f"sqlite:///{file}")


def test_migrations_run_once(empty_postgres: str) -> None:
    """Of several processes one applies the migrations, and a later run finds nothing to do."""
    everything = str([step.version for step in STEPS])
    assert sorted(run_at_once(MIGRATE, empty_postgres)) == sorted([everything] + ["[]"] * 3)
    assert migrate_postgres(empty_postgres.replace("postgresql://", "postgres://")) == []


async def test_process_becomes_ready_with_the_migration(empty_postgres: str) -> None:
    """A process that started before `db migrate` names the command, and is ready once it has run."""
    database = open_database(empty_postgres)
    with pytest.raises(StoreUnavailable, match="agent-runtime db migrate"):
        await database.check()
    migrate_postgres(empty_postgres)
    await database.check()
    await database.close()


async def test_database_is_usable_after_check(url: str) -> None:
    """A database that passes the check can be read."""
    database = open_database(url)
    await database.check()
    assert await StoredSessions(database).live_sessions() == []
    await database.close()


async def test_migrating_never_touches_the_shared_tables(empty_postgres: str) -> None:
    """`db migrate` on PostgreSQL creates the runtime's own tables and nothing else."""
    migrate_postgres(empty_postgres)
    connection = psycopg2.connect(empty_postgres)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        made = {name for (name,) in cursor.fetchall()}
    connection.close()
    assert made == {model._meta.table_name for model in RUNTIME_TABLES}


async def test_closed_sqlite_takes_no_write(sqlite_url: str) -> None:
    """A write after close() raises StoreUnavailable; it would otherwise wait for ever."""
    database = open_database(sqlite_url)
    sessions = StoredSessions(database)
    await database.close()
    with pytest.raises(StoreUnavailable):
        await sessions.set_participant_count("any", 1)


@pytest.mark.parametrize("rest", ["h/d?unknown=1", "[h/d", "h:port/d?sslmode=disable&x"])
def test_malformed_postgres_url(rest: str) -> None:
    """A URL that libpq cannot read raises ValueError when it is opened, not at the first use."""
    with pytest.raises(ValueError, match="use postgresql://"):
        open_database(f"postgresql://{rest}")


@pytest.mark.parametrize(
    "question",
    [
        "SELECT * FROM session_metrics WHERE session_id = 'a'",
        "SELECT * FROM agent_instance_sessions WHERE status = 'active'",
        "SELECT * FROM agent_instance_sessions WHERE room_name = 'a'",
        "SELECT * FROM agent_instance_sessions WHERE agent_id = 1 AND started_at > '2026'",
        "SELECT * FROM agent_instance_sessions WHERE tenant_id = 1 AND started_at > '2026'",
        "SELECT * FROM agent_instance_sessions WHERE runtime_instance_id = 1",
    ],
)
async def test_queries_on_growing_tables_use_an_index(tmp_path: Path, question: str) -> None:
    """On SQLite the runtime's queries use an index, also in a file that an earlier version created."""
    path = tmp_path / "made.sqlite3"
    for _ in range(2):
        await open_database(f"sqlite:///{path}").close()
        connection = sqlite3.connect(path)
        (plan,) = connection.execute(f"EXPLAIN QUERY PLAN {question}").fetchall()
        assert "USING INDEX runtime_" in plan[-1]
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND name LIKE 'runtime_a%' "
            "OR name LIKE 'runtime_session_metrics%'"
        ).fetchall():
            connection.execute(f"DROP INDEX {name}")
        connection.commit()
        connection.close()
