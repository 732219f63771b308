"""GET /metrics."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from agent_runtime.domain.lease import WorkerState
from agent_runtime.storage import StoredWorkers, open_database
from fixtures.runtime_client.judged_api import JudgedApi
from runtime.tests.api.start import StartApi

PATH = "/metrics"


def text(api: JudgedApi) -> str:
    """What Prometheus would read."""
    answer = api.ask("GET", PATH)
    assert answer.status == 200
    return answer.body.decode()


def test_requests_are_counted_by_path_not_by_id(api: JudgedApi) -> None:
    """The database is up."""
    api.ask("GET", "/api/agents/12345")
    found = text(api)
    assert 'path="/api/agents/{agent_id}"' in found
    assert "agents/12345" not in found  # the digits alone may stand in a figure
    assert "agent_runtime_database_up 1.0" in found
    assert 'agent_runtime_live_sessions{phase="talking"} 0.0' in found


def test_workers_are_summed_up_from_what_they_tell(
    start_api: StartApi, postgres_database: str
) -> None:
    """Their calls, and the stages of their turns."""
    with start_api(DATABASE_URL=postgres_database) as api:

        async def tell() -> None:
            database = open_database(postgres_database, prepare=True, pool_size=1)
            turns = {"response": (4, 2.5)}
            worker = WorkerState("one", "", "running", active=2, free=3, handled=9, turns=turns)
            await StoredWorkers(database, "livekit").report(worker, datetime.now(UTC))
            await database.close()

        asyncio.run(tell())
        found = text(api)
    assert 'agent_runtime_worker_calls{worker="one"} 2.0' in found
    assert 'agent_runtime_worker_free_places{worker="one"} 3.0' in found
    assert 'agent_runtime_worker_sessions_total{worker="one"} 9.0' in found
    assert 'agent_runtime_worker_turn_seconds_count{stage="response",worker="one"} 4.0' in found
    assert 'agent_runtime_worker_turn_seconds_sum{stage="response",worker="one"} 2.5' in found


def test_without_a_database_there_is_what_the_process_knows(start_api: StartApi) -> None:
    """And that the database is away."""
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    with start_api(DATABASE_URL=nowhere) as api:
        found = text(api)
    assert "agent_runtime_database_up 0.0" in found
    assert "http_request_duration_seconds" in found or "# TYPE" in found


def test_who_has_no_key_sees_nothing(api: JudgedApi) -> None:
    """Names of workers and paths are for those who may use the API."""
    assert api.ask("GET", PATH, headers={"Authorization": "Bearer wrong"}).status == 401
