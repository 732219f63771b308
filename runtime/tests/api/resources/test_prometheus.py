"""GET /metrics, as Prometheus scrapes it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from agent_runtime.domain.lease import WorkerState
from agent_runtime.storage import StoredWorkers, open_database
from fixtures.runtime_client.judged_api import JudgedApi
from runtime.tests.api.start import StartApi

PATH = "/metrics"


def text(api: JudgedApi) -> str:
    """The text that Prometheus reads."""
    answer = api.send("GET", PATH)
    assert answer.status == 200
    return answer.body.decode()


def test_requests_are_counted_by_path_not_by_id(api: JudgedApi) -> None:
    """Requests are counted by path template, and live sessions by phase."""
    api.send("GET", "/api/agents/12345")
    found = text(api)
    assert 'path="/api/agents/{agent_id}"' in found
    assert "agents/12345" not in found  # the digits alone may be part of a value
    assert "agent_runtime_database_up 1.0" in found
    assert 'agent_runtime_live_sessions{phase="talking"} 0.0' in found


def test_workers_are_shown_as_they_report(start_api: StartApi, postgres_database: str) -> None:
    """Calls, capacity and turn latencies of a worker appear under its name."""
    with start_api(DATABASE_URL=postgres_database) as api:

        async def report() -> None:
            database = open_database(postgres_database, prepare=True, pool_size=1)
            turns = {"response": (4, 2.5)}
            worker = WorkerState("one", "", "running", active=2, free=3, handled=9, turns=turns)
            await StoredWorkers(database, "livekit").report(worker, datetime.now(UTC))
            await database.close()

        asyncio.run(report())
        found = text(api)
    assert 'agent_runtime_worker_calls{worker="one"} 2.0' in found
    assert 'agent_runtime_worker_free_places{worker="one"} 3.0' in found
    assert 'agent_runtime_worker_sessions_total{worker="one"} 9.0' in found
    assert 'agent_runtime_worker_turn_seconds_count{stage="response",worker="one"} 4.0' in found
    assert 'agent_runtime_worker_turn_seconds_sum{stage="response",worker="one"} 2.5' in found


def test_without_a_database_the_process_reports_itself(start_api: StartApi) -> None:
    """Without the database the process's own metrics are served, and the outage is shown."""
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    with start_api(DATABASE_URL=nowhere) as api:
        found = text(api)
    assert "agent_runtime_database_up 0.0" in found
    assert "http_request_duration_seconds" in found or "# TYPE" in found


def test_metrics_need_the_key(api: JudgedApi) -> None:
    """GET /metrics with a wrong key is 401, since it names workers and paths."""
    assert api.send("GET", PATH, headers={"Authorization": "Bearer wrong"}).status == 401
