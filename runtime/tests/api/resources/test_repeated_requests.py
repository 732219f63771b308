"""Creates that their clients send again, and creates beyond the queue's length and a tenant's quota."""

from __future__ import annotations

import asyncio
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent_runtime.api.resources.idempotency import request_of
from agent_runtime.domain.access.keys import PLATFORM, Access
from agent_runtime.domain.ports.sessions import RequestInFlight
from agent_runtime.domain.session import new_session
from agent_runtime.storage import StoredSessions, open_database
from fixtures.runtime_client.judged_api import JudgedApi
from runtime.tests.api.start import StartApi


def create(api: JudgedApi, agent_id: int, key: str, **fields: object) -> tuple[int, str]:
    """Create with an Idempotency-Key; the status, and the session's id or the error."""
    body = {"agentId": agent_id, "tenantId": 1, "roomName": "", **fields}
    answer = api.send("POST", "/api/sessions/create", body, headers={"Idempotency-Key": key})
    text = answer.json["session"]["sessionId"] if answer.status == 200 else answer.error
    return answer.status, str(text)


def create_and_leave(api: JudgedApi, agent_id: int, key: str) -> None:
    """Send a create, and leave before the answer."""
    body = json.dumps({"agentId": agent_id, "tenantId": 1, "roomName": ""}).encode()
    head = (
        f"POST /api/sessions/create HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.key}\r\n"
        f"Idempotency-Key: {key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", api.port)) as connection:
        connection.sendall(head.encode() + body)


def register_of_tenant(api: JudgedApi, agent_id: int, tenant_id: int) -> None:
    """Register an agent of this tenant."""
    body = {"agentId": agent_id, "tenantId": tenant_id, "config": {}}
    assert api.send("POST", "/api/agents/register", body).status == 200


def live(api: JudgedApi, agent_id: int) -> int:
    """The number of the agent's sessions."""
    return int(api.send("GET", f"/api/agents/{agent_id}").json["activeSessions"])


def test_a_client_that_leaves_and_tries_again_has_one_session(api: JudgedApi) -> None:
    """Twenty clients that leave before the answer and try again have twenty sessions."""
    agent_id = api.new_id()
    api.register(agent_id)

    def leave_and_return(number: int) -> tuple[int, str]:
        create_and_leave(api, agent_id, f"key-{number}")
        return create(api, agent_id, f"key-{number}")

    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(leave_and_return, range(20)))
    assert [status for status, _ in answers] == [200] * 20
    assert len({session_id for _, session_id in answers}) == live(api, agent_id) == 20


def test_a_key_belongs_to_one_body(api: JudgedApi) -> None:
    """A key that comes again with another body is refused; quotes are no part of the key."""
    agent_id = api.new_id()
    api.register(agent_id)
    first = create(api, agent_id, "one key")[1]
    assert "Idempotency-Key must be 1 to 255 visible ASCII characters" in first
    first = create(api, agent_id, '"one-key"')[1]
    assert create(api, agent_id, "one-key") == (200, first)
    refused = create(api, agent_id, "one-key", participantName="Ada")
    assert refused == (422, "This Idempotency-Key came before with another body; make a new key")
    assert live(api, agent_id) == 1
    # Another tenant's key is another key.
    other_agent = api.new_id()
    register_of_tenant(api, other_agent, 2)
    assert create(api, other_agent, "one-key", tenantId=2)[0] == 200


def test_a_key_belongs_to_one_client() -> None:
    """Clients with other API keys, or limited to other tenants, have keys of their own."""
    body = {"agentId": 1, "tenantId": 1, "roomName": ""}
    clients = (PLATFORM, Access("web"), Access("phone"), Access("web", tenant_id=1))
    assert len({request_of(client, "one-key", body).key for client in clients}) == len(clients)


@pytest.mark.parametrize("key", ["", "x" * 256, "\xe9", "a\tb", '"'])
def test_a_key_that_is_none(api: JudgedApi, key: str) -> None:
    """A key that is empty, too long or not visible ASCII is 400 that names the header."""
    status, error = create(api, 1, key)
    assert status == 400
    assert error.startswith("Idempotency-Key must be")


async def store_without_answer(url: str, agent_id: int, body: dict[str, object], key: str) -> str:
    """Store the session of a request, as a process that dies before its answer; returns its id."""
    database = open_database(url, prepare=True, pool_size=1)
    session = new_session(agent_id, 1, "")
    request = request_of(PLATFORM, key, body)
    await StoredSessions(database).create(session, request=request)
    await database.close()
    return session.session_id


def test_a_request_without_an_answer(start_api: StartApi, tmp_path: Path) -> None:
    """While the first request is not answered, the next one is 409 with Retry-After; no session is made."""
    url = f"sqlite:///{tmp_path / 'requests.sqlite3'}"
    with start_api(DATABASE_URL=url) as api:
        agent_id = api.new_id()
        api.register(agent_id)
        body: dict[str, object] = {"agentId": agent_id, "tenantId": 1, "roomName": ""}
        asyncio.run(store_without_answer(url, agent_id, body, "a-key"))
        status, error = create(api, agent_id, "a-key")
        assert (status, error) == (409, str(RequestInFlight()))
        assert live(api, agent_id) == 1


def test_the_queue_is_bounded(start_api: StartApi) -> None:
    """Beyond SESSION_MAX_WAITING a create is 503 with Retry-After, and stores nothing."""
    with start_api(SESSION_MAX_WAITING="2") as api:
        agent_id = api.new_id()
        api.register(agent_id)
        assert [api.create(agent_id).status for _ in range(2)] == [200, 200]
        refused = api.create(agent_id)
        assert (refused.status, refused.headers["retry-after"]) == (503, "5")
        assert refused.error == "2 sessions wait for an agent, and no more may; try again in 5 s"
        assert live(api, agent_id) == 2


def test_a_tenant_is_bounded(start_api: StartApi) -> None:
    """Beyond TENANT_MAX_SESSIONS a create is 429 with Retry-After; other tenants are served."""
    with start_api(TENANT_MAX_SESSIONS="1") as api:
        agent_id = api.new_id()
        api.register(agent_id)
        assert api.create(agent_id).status == 200
        refused = api.create(agent_id)
        assert (refused.status, refused.headers["retry-after"]) == (429, "5")
        assert refused.error == "Tenant 1 is at capacity (1 sessions)"
        other_agent = api.new_id()
        register_of_tenant(api, other_agent, 2)
        assert api.create(other_agent, tenantId=2).status == 200
