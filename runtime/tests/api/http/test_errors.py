"""The API during outages of the database or LiveKit: its responses, and its recovery."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

import psycopg2

from agent_runtime.application.readiness import VALID
from fixtures.processes.ports import free_ports
from fixtures.runtime_client.api_contract import ApiContract
from runtime.tests.api.start import StartApi

# Columns of two tables that every operation on the database needs.
BREAK: Final = """
    ALTER TABLE runtime_registrations RENAME COLUMN agent_id TO broken;
    ALTER TABLE agent_instance_sessions RENAME COLUMN session_id TO broken
"""


@contextmanager
def cursor(url: str) -> Iterator[psycopg2.extensions.cursor]:
    """A cursor for statements, each in its own transaction."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as statements:
            yield statements


def test_killed_connections_are_replaced(start_api: StartApi, postgres_database: str) -> None:
    """After the database has dropped all connections, every request succeeds."""
    with start_api(DATABASE_URL=postgres_database) as api:
        agent_id, session_id = api.new_session()
        for _ in range(5):
            with cursor(postgres_database) as statements:
                statements.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            assert api.send("GET", f"/api/sessions/{session_id}").status == 200
            assert api.create(agent_id).status == 200


def test_missing_tables_are_reported(start_api: StartApi, postgres_database: str) -> None:
    """Without our own tables readiness and operations are 503, and the error says what to do."""
    with start_api(DATABASE_URL=postgres_database) as api:
        with cursor(postgres_database) as statements:
            statements.execute("ALTER SCHEMA public RENAME TO elsewhere; CREATE SCHEMA public")
        assert "db migrate" in api.send("GET", "/ready").json["reason"]
        assert "db migrate" in api.send("GET", "/api/agents").error


def test_every_documented_fault_is_seen(
    start_api: StartApi, postgres_database: str, contract: ApiContract
) -> None:
    """Every operation responds to an outage with the status that the contract documents for it."""
    (nobody,) = free_ports(1)
    with start_api(
        DATABASE_URL=postgres_database, LIVEKIT_URL=f"ws://127.0.0.1:{nobody}"
    ) as without_livekit:
        assert without_livekit.send_every_operation()["POST /api/sessions/create"] == 503
        assert without_livekit.send_every_operation()["GET /ready"] == 503

    with start_api(DATABASE_URL=postgres_database) as api:
        assert api.send_every_operation()["GET /ready"] == 200
        with cursor(postgres_database) as statements:
            statements.execute(BREAK)
        broken = api.send_every_operation()
        with cursor(postgres_database) as statements:
            statements.execute("SELECT current_database()")
            ((name,),) = statements.fetchall()
        with cursor(postgres_database.rpartition("/")[0] + "/postgres") as statements:
            statements.execute(f"DROP DATABASE {name} WITH (FORCE)")
        time.sleep(VALID)  # the readiness of before may be reported for as long
        began = time.monotonic()
        down = api.send_every_operation()
        took = time.monotonic() - began
    seen = without_livekit.seen | api.seen
    expected = {pair for pair, faults in contract.documented.items() if faults}
    assert seen >= expected, f"never seen: {sorted(expected - seen)}"
    # None of them uses the database: the last is not signed.
    healthy = {"GET /health": 200, "GET /api/agents/schema": 200, "POST /livekit/webhook": 401}
    assert broken == dict.fromkeys(contract.operations, 500) | {"GET /ready": 200} | healthy
    without_database = healthy | {"GET /metrics": 200}
    assert down == dict.fromkeys(contract.operations, 503) | without_database
    assert took < len(down)  # seconds: each answers within one


def test_no_stack_trace_is_sent(start_api: StartApi, postgres_database: str) -> None:
    """An internal error is 500 in plain words, and its stack trace is only in the log."""
    with start_api(DATABASE_URL=postgres_database) as api:
        with cursor(postgres_database) as statements:
            statements.execute(BREAK)
        assert api.process is not None
        since = api.process.mark()
        answer = api.send("GET", "/api/agents")
        assert (answer.status, answer.error) == (500, "Internal server error")
        assert "Traceback" in api.process.wait_for('"exception"', 10, since=since).string
