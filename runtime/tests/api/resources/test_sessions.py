"""Sessions over HTTP, from create to end."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from fixtures.processes.ports import free_ports
from fixtures.runtime_client.judged_api import JudgedApi
from runtime.tests.api.start import StartApi

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def test_create_returns_the_sessions_id(api: JudgedApi) -> None:
    """Create returns an id of 21 characters, under which the session is found with all its fields."""
    agent_id = api.new_id()
    api.register(agent_id)
    created = api.create(agent_id, roomName="a room", participantName="Ada").json
    assert list(created) == ["success", "session"]
    session_id = created["session"]["sessionId"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{21}", session_id)
    session = api.send("GET", f"/api/sessions/{session_id}").json
    assert re.fullmatch(TIME, session.pop("startedAt"))
    assert session == {
        "sessionId": session_id,
        "agentId": agent_id,
        "tenantId": 1,
        "roomName": "a room",
        "status": "connecting",
        "participantCount": 0,
    }


def test_empty_room_name_gives_a_room(api: JudgedApi) -> None:
    """Two sessions without a room name get two rooms, which the responses name."""
    agent_id = api.new_id()
    api.register(agent_id)
    rooms = {api.create(agent_id).json["session"]["roomName"] for _ in range(2)}
    assert len(rooms) == 2
    assert "" not in rooms


def test_a_session_ends_once(api: JudgedApi) -> None:
    """Ending a session frees the agent's capacity; ending it again changes nothing."""
    agent_id, session_id = api.new_session()
    assert api.send("POST", f"/api/sessions/{session_id}/end").json == {"success": True}
    ended = api.send("GET", f"/api/sessions/{session_id}").json
    assert ended["status"] == "ended"
    assert list(ended)[-2:] == ["endedAt", "participantCount"]
    assert re.fullmatch(TIME, ended["endedAt"])
    assert api.send("GET", f"/api/agents/{agent_id}").json["activeSessions"] == 0
    assert api.send("POST", f"/api/sessions/{session_id}/end").json == {"success": True}
    assert api.send("GET", f"/api/sessions/{session_id}").json == ended


@pytest.mark.parametrize("session_id", ["nope", "%00", "a%2Fb", "x" * 300, "%F0%9F%98%80"])
def test_unknown_session(api: JudgedApi, session_id: str) -> None:
    """An unknown session is 404 in GET and 400 at its end, as old clients expect."""
    assert api.send("GET", f"/api/sessions/{session_id}").status == 404
    assert api.send("GET", f"/api/metrics/session/{session_id}").status == 404
    if session_id != "a%2Fb":
        assert api.send("POST", f"/api/sessions/{session_id}/end").status == 400


def test_words_for_an_unknown_session(api: JudgedApi) -> None:
    """The error for an unknown session names it, in the words that clients know."""
    for method, path in (
        ("GET", "/api/sessions/nope"),
        ("GET", "/api/metrics/session/nope"),
        ("POST", "/api/sessions/nope/end"),
    ):
        assert api.send(method, path).error == "Session nope not found"


def test_unregistered_agent_gets_no_session(api: JudgedApi) -> None:
    """A create for an agent that is not registered is 400 in the known words."""
    agent_id = api.new_id()
    refused = api.create(agent_id)
    assert (refused.status, refused.error) == (400, f"Agent {agent_id} not registered")


@pytest.mark.parametrize("field", ["roomName", "participantName", "participantIdentity"])
@pytest.mark.parametrize("sign", ["\x1b[2J", "\r\n", "\x9b", "\u2028", "\u202e", "\u2066"])
def test_a_name_that_acts_on_a_terminal_is_refused(api: JudgedApi, field: str, sign: str) -> None:
    """A name with a control character, a line break or a mark of direction is 400 that names the field."""
    agent_id = api.new_id()
    api.register(agent_id)
    refused = api.create(agent_id, **{field: f"a{sign}b"})
    assert refused.status == 400
    (issue,) = json.loads(refused.error)
    assert (issue["path"], "no control characters" in issue["message"]) == ([field], True)
    assert api.send("GET", f"/api/agents/{agent_id}").json["activeSessions"] == 0


def test_the_name_of_an_agent_acts_on_no_terminal(api: JudgedApi) -> None:
    """The name of a configuration is refused in the same way."""
    refused = api.register(api.new_id(), name="a\u202eb")
    assert (refused.status, json.loads(refused.error)[0]["path"]) == (400, ["config", "name"])


def test_capacity_holds(api: JudgedApi) -> None:
    """Of 10 simultaneous creates for an agent with capacity 2, two succeed and eight are refused."""
    agent_id = api.new_id()
    api.register(agent_id, maxConcurrentSessions=2)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: api.create(agent_id), range(10)))
    assert sorted(answer.status for answer in answers) == [200] * 2 + [400] * 8
    words = {answer.error for answer in answers if answer.status == 400}
    assert words == {f"Agent {agent_id} is at capacity (2 sessions)"}


def test_the_end_of_a_session_frees_capacity(api: JudgedApi) -> None:
    """After a session of a full agent has ended, the next create succeeds."""
    agent_id, session_id = api.new_session(maxConcurrentSessions=1)
    assert api.create(agent_id).status == 400
    api.send("POST", f"/api/sessions/{session_id}/end")
    assert api.create(agent_id).status == 200


def test_an_outage_of_livekit_takes_no_capacity(
    start_api: StartApi,
) -> None:
    """A create while LiveKit is unreachable is 503 and takes no capacity; other requests succeed."""
    (nobody,) = free_ports(1)
    with start_api(LIVEKIT_URL=f"ws://127.0.0.1:{nobody}") as api:
        agent_id = api.new_id()
        api.register(agent_id, maxConcurrentSessions=1)
        for _ in range(2):
            refused = api.create(agent_id)
            assert refused.status == 503
            assert "LiveKit" in refused.error
        assert api.send("GET", f"/api/agents/{agent_id}").json["activeSessions"] == 0
        ready = api.send("GET", "/ready")
        assert (ready.status, ready.json["status"]) == (503, "not ready")
        assert f"127.0.0.1:{nobody}" in ready.json["reason"]
        for key in ("", "Bearer no"):
            to_a_stranger = api.send("GET", "/ready", headers={"Authorization": key})
            assert to_a_stranger.status == 503
            assert to_a_stranger.json["reason"] == "LiveKit is not available"
        assert api.send("GET", "/health").status == 200
