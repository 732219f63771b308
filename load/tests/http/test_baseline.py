"""The baseline of the HTTP benchmark does the same work as our API."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fixtures.servers import postgres_server
from load.http.service import Service, ServiceError
from load.http.variants import BASELINE
from load.livekit_recorder.process import LiveKitRecorder

LIMIT = 3


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[LiveKitRecorder]:
    """A recorder in the place of LiveKit."""
    with LiveKitRecorder(tmp_path) as running:
        yield running


@pytest.fixture
def service(tmp_path: Path, rooms: LiveKitRecorder) -> Iterator[Service]:
    """The baseline on a fresh database, with agent 1 registered."""
    with postgres_server() as server, server.database() as url:
        environ = {**rooms.environ, "DATABASE_URL": url}
        with Service(BASELINE, environ, tmp_path) as running:
            config = {"maxConcurrentSessions": LIMIT}
            body = {"agentId": 1, "tenantId": 1, "config": config}
            running.request("POST", "/api/agents/register", body)
            yield running


def create(service: Service, agent_id: int | str = 1) -> str:
    """The new session's id, or the error."""
    body = {"agentId": agent_id, "tenantId": 1, "roomName": "load-room"}
    try:
        answer = service.request("POST", "/api/sessions/create", body)
    except ServiceError as error:
        return str(error)
    return str(answer["session"]["sessionId"])


def test_capacity_holds_and_each_session_is_dispatched_once(
    service: Service, rooms: LiveKitRecorder
) -> None:
    """Concurrent creates fill the agent's capacity exactly, each with one dispatch; others get 400."""
    with ThreadPoolExecutor(12) as pool:
        outcomes = list(pool.map(lambda _: create(service), range(12)))
    refused = [words for words in outcomes if "Agent 1 is at capacity (3 sessions)" in words]
    assert len(refused) == len(outcomes) - LIMIT
    assert rooms.take_launched() == LIMIT


def test_a_session_has_the_keys_of_the_contract(service: Service) -> None:
    """GET of a session that waits for its agent returns the keys of openapi.yaml."""
    session_id = create(service)
    state = service.request("GET", f"/api/sessions/{session_id}")
    assert state.pop("startedAt").endswith("Z")
    assert state == {
        "sessionId": session_id,
        "agentId": 1,
        "tenantId": 1,
        "roomName": "load-room",
        "status": "connecting",
        "participantCount": 0,
    }


def test_bodies_and_key_are_checked_and_logged(service: Service, tmp_path: Path) -> None:
    """A wrong type and an unknown agent get 400, a wrong key gets 401, and each is one JSON log line."""
    assert ": 400 " in create(service, "one")
    assert "Agent 2 not registered" in create(service, 2)
    service.target = type(service.target)(service.target.url, "another key")
    assert ": 401 " in create(service)
    service.request("GET", "/health")  # the line of a request is written before the next response
    log = (tmp_path / f"{BASELINE.name}.log").read_text().splitlines()
    lines = [line for line in map(json.loads, log) if line.get("path") == "/api/sessions/create"]
    assert [line["status"] for line in lines] == [400, 400, 401]
