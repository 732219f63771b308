"""Agents and sessions belong to the tenant that registered the agent, on both databases."""

from __future__ import annotations

import time

import pytest

from fixtures.runtime_client.judged_api import Answer, JudgedApi

from .keyring import audit, make_key

REGISTER, CREATE = "/api/agents/register", "/api/sessions/create"


@pytest.fixture(scope="module")
def tenants(keyed_api: JudgedApi, database: str) -> dict[int, dict[str, str]]:
    """The header with the key of tenant 1 and of tenant 2."""
    assert keyed_api.process is not None
    return {
        number: {"Authorization": make_key(database, f"tenant-{number}", tenant=number)[0]}
        for number in (1, 2)
    }


Tenants = dict[int, dict[str, str]]


def register(api: JudgedApi, agent: int, tenant: int, headers: dict[str, str] | None) -> Answer:
    """Register an agent."""
    return api.send(
        "POST", REGISTER, {"agentId": agent, "tenantId": tenant, "config": {}}, headers=headers
    )


def create(api: JudgedApi, agent: int, tenant: int, headers: dict[str, str] | None) -> Answer:
    """Create a session."""
    body = {"agentId": agent, "tenantId": tenant, "roomName": ""}
    return api.send("POST", CREATE, body, headers=headers)


def test_another_tenants_registration_is_409_and_changes_nothing(
    keyed_api: JudgedApi, tenants: Tenants
) -> None:
    """An agent stays its tenant's until it is deleted, whoever asks."""
    agent, session = keyed_api.new_session()
    for headers in (None, tenants[2]):
        answer = register(keyed_api, agent, 2, headers)
        assert answer.status == 409
        assert f"Agent {agent} belongs to another tenant" in answer.error
    assert create(keyed_api, agent, 1, tenants[1]).status == 200
    assert register(keyed_api, agent, 1, tenants[1]).status == 200
    assert keyed_api.send("GET", f"/api/sessions/{session}", headers=tenants[1]).status == 200
    assert keyed_api.send("DELETE", f"/api/agents/{agent}").status == 200
    assert register(keyed_api, agent, 2, None).status == 200


def test_the_tenant_of_a_create_is_the_registrations(
    keyed_api: JudgedApi, tenants: Tenants
) -> None:
    """Create with another tenant is 400; a tenant's key does not learn whose the agent is."""
    agent = keyed_api.new_id()
    keyed_api.register(agent)
    assert create(keyed_api, agent, 999, None).error == (
        f"Agent {agent} is registered for another tenant: send the tenantId of its registration"
    )
    foreign = create(keyed_api, agent, 2, tenants[2])
    assert (foreign.status, foreign.error) == (400, f"Agent {agent} not registered")
    lied = create(keyed_api, agent, 1, tenants[2])
    assert (lied.status, lied.error) == (403, "This key is for tenant 2 only")
    assert keyed_api.send("GET", f"/api/agents/{agent}").json["activeSessions"] == 0
    assert create(keyed_api, agent, 1, tenants[1]).status == 200


def test_a_tenant_enters_no_room_of_another(keyed_api: JudgedApi, tenants: Tenants) -> None:
    """A tenant's agent is not sent into the room of another tenant's live session."""
    mine, theirs = keyed_api.new_id(), keyed_api.new_id()
    register(keyed_api, mine, 1, tenants[1])
    register(keyed_api, theirs, 2, tenants[2])
    room = f"lobby-{mine}"

    def enter(agent: int, tenant: int) -> Answer:
        body = {"agentId": agent, "tenantId": tenant, "roomName": room}
        return keyed_api.send("POST", CREATE, body, headers=tenants[tenant])

    session = enter(mine, 1).json["session"]["sessionId"]
    assert enter(mine, 1).status == 200
    refused = enter(theirs, 2)
    assert (refused.status, refused.error) == (
        400,
        f"Room {room} is in use: name another room, or leave the name empty",
    )
    keyed_api.send("DELETE", f"/api/agents/{mine}")
    assert keyed_api.send("GET", f"/api/sessions/{session}").json["status"] == "ended"
    assert enter(theirs, 2).status == 200


def test_a_tenant_registers_for_itself_only(keyed_api: JudgedApi, tenants: Tenants) -> None:
    """A tenant's key cannot register an agent under another tenant."""
    agent = keyed_api.new_id()
    assert register(keyed_api, agent, 1, tenants[2]).status == 403
    assert keyed_api.send("GET", f"/api/agents/{agent}").json["registered"] is False


def test_a_tenant_sees_and_ends_its_own(keyed_api: JudgedApi, tenants: Tenants) -> None:
    """Everything that a tenant made it can list, read, end and delete; nobody else's list has it."""
    agent = keyed_api.new_id()
    mine, theirs = tenants[2], tenants[1]
    assert register(keyed_api, agent, 2, mine).status == 200
    session = create(keyed_api, agent, 2, mine).json["session"]["sessionId"]
    assert agent in keyed_api.send("GET", "/api/agents", headers=mine).json["agents"]
    assert agent not in keyed_api.send("GET", "/api/agents", headers=theirs).json["agents"]
    assert agent in keyed_api.send("GET", "/api/agents").json["agents"]
    figures = keyed_api.send("GET", f"/api/metrics/agent/{agent}", headers=mine).json
    assert (figures["totalSessions"], figures["activeSessions"]) == (1, 1)
    assert keyed_api.send("GET", "/api/metrics/tenant/2", headers=mine).status == 200
    assert keyed_api.send("GET", "/api/metrics/tenant/2", headers=theirs).status == 403
    assert keyed_api.send("POST", f"/api/sessions/{session}/end", headers=theirs).status == 404
    assert keyed_api.send("POST", f"/api/sessions/{session}/end", headers=mine).status == 200
    assert keyed_api.send("DELETE", f"/api/agents/{agent}", headers=theirs).status == 404
    assert keyed_api.send("DELETE", f"/api/agents/{agent}", headers=mine).status == 200
    # The agent is gone, its sessions' metrics are not.
    after = keyed_api.send("GET", f"/api/metrics/agent/{agent}", headers=mine).json
    assert after["totalSessions"] == 1


def test_the_platforms_key_keeps_the_answers_of_before(keyed_api: JudgedApi) -> None:
    """To the platform's key, unknown agents and sessions are what they were to the Node.js version's."""
    nobody = 1_900_000_000
    assert keyed_api.send("GET", f"/api/agents/{nobody}").json["registered"] is False
    assert keyed_api.send("DELETE", f"/api/agents/{nobody}").status == 200
    assert keyed_api.send("POST", "/api/sessions/nope/end").status == 400
    assert keyed_api.send("GET", f"/api/metrics/agent/{nobody}").status == 200


def test_the_audit_tells_who_did_what(
    keyed_api: JudgedApi, tenants: Tenants, database: str
) -> None:
    """Each change, also a refused one, has an entry with key, operation, ids and result."""
    agent = keyed_api.new_id()
    register(keyed_api, agent, 2, tenants[2])
    session = create(keyed_api, agent, 2, tenants[2]).json["session"]["sessionId"]
    keyed_api.send("GET", f"/api/sessions/{session}")
    keyed_api.send("POST", f"/api/sessions/{session}/end", headers=tenants[1])
    keyed_api.send("POST", f"/api/sessions/{session}/end", headers={"Authorization": "no"})
    keyed_api.send("POST", f"/api/sessions/{session}/end")
    keyed_api.send("DELETE", f"/api/agents/{agent}", headers=tenants[2])
    wanted = [
        ("tenant-2", "registerAgent", "200", agent, None, 2),
        ("tenant-2", "createSession", "200", agent, session, 2),
        ("tenant-1", "endSession", "404", None, session, 1),
        ("platform", "endSession", "200", None, session, None),
        ("tenant-2", "unregisterAgent", "200", agent, None, 2),
    ]
    assert entries(database, agent, session, wait_for=len(wanted)) == wanted


def entries(
    database: str, agent: int, session: str, *, wait_for: int
) -> list[tuple[str, str, str, int | None, str | None, int | None]]:
    """The audit's entries about this agent or session, as soon as there are so many."""
    deadline = time.monotonic() + 10
    while True:
        found = [
            (e.actor, e.operation, e.result, e.agent_id, e.session_id, e.tenant_id)
            for e in audit(database)
            if e.agent_id == agent or e.session_id == session
        ]
        if len(found) >= wait_for or time.monotonic() > deadline:
            return found
