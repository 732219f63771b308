"""What a success of each operation must answer, by the state alone."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from contract.agent_api.model.figures import agent_words, in_range, tenant_words
from contract.agent_api.model.livekit_calls import joining, leaving
from contract.agent_api.model.state import Agent, Session
from contract.agent_api.model.world import AgentWorld
from contract.api.api import Api
from contract.http.messages import Effect
from contract.tests.samples import answer, exchanged, request
from contract.values.typed_values import Moment, Window

DAY = 86_400.0
LIVE = Session("live-1", 7, 5, "lobby", {"agentId": 7, "tenantId": 5}, Window(DAY, DAY + 1))
ENDED = Session(
    "ended-1",
    7,
    5,
    "cellar",
    {"agentId": 7.0, "tenantId": 5, "participantName": "Ada"},
    Window(3 * DAY + 3600, 3 * DAY + 3601),
    Window(3 * DAY + 3609, 3 * DAY + 3610),
)


@pytest.fixture
def world() -> AgentWorld:
    """Agent 7 of tenant 5 with a live and an ended session, and agent 8 that is not registered."""
    agent = Agent(7, registered=True, tenant=5, config={"maxConcurrentSessions": 3})
    agent.sessions = [replace(LIVE), replace(ENDED)]
    sessions = {session.id: session for session in agent.sessions}
    return AgentWorld(agents={7: agent, 8: Agent(8)}, sessions=sessions, order=[7])


def truth(api: Api, world: AgentWorld, method: str, target: str, body: Any = None) -> Any:
    """What the operation must answer."""
    sent = request(method, target, body)
    return exchanged(api, sent, answer({}), answer({}, sent=50.0), world).words["truth"]


REGISTRATION = {"agentId": 7, "tenantId": 5, "config": {"other": 1}}
SESSION = {"agentId": 7, "tenantId": 5}
OFF = {"registered": False, "active": False, "activeSessions": 0, "maxSessions": 0}


@pytest.mark.parametrize(
    ("method", "target", "body", "expected"),
    [
        (
            "POST",
            "/api/agents/register",
            REGISTRATION,
            {"success": True, "agentId": 7, "warnings": ["other: nothing acts on this key"]},
        ),
        (
            "POST",
            "/api/agents/register",
            {**REGISTRATION, "config": {}},
            {"success": True, "agentId": 7},
        ),
        ("DELETE", "/api/agents/7", None, {"success": True}),
        (
            "GET",
            "/api/agents/7",
            None,
            {"registered": True, "active": True, "activeSessions": 1, "maxSessions": 3},
        ),
        ("GET", "/api/agents/8", None, OFF),
        ("GET", "/api/agents", None, {"agents": [7]}),
        (
            "POST",
            "/api/sessions/create",
            {**SESSION, "roomName": "r"},
            {"success": True, "session": {"sessionId": "<session-0>", "roomName": "r"}},
        ),
        (
            "POST",
            "/api/sessions/create",
            {**SESSION, "roomName": ""},
            {
                "success": True,
                "session": {"sessionId": "<session-0>", "roomName": "session-<session-0>"},
            },
        ),
        ("POST", "/api/sessions/create", [], None),
        ("POST", "/api/sessions/live-1/end", None, {"success": True}),
        ("POST", "/api/sessions/none/end", None, None),
        ("GET", "/api/sessions/none", None, None),
        (
            "GET",
            "/api/metrics/agent/7",
            None,
            {
                "agentId": 7,
                "totalSessions": 2,
                "activeSessions": 1,
                "avgLatency": 0,
                "totalCost": 0,
            },
        ),
        (
            "GET",
            "/api/metrics/tenant/5?startDate=1970-01-03",
            None,
            {"tenantId": 5, "activeAgents": 0, "totalSessions": 1, "totalCost": 0},
        ),
        (
            "GET",
            "/api/metrics/session/live-1",
            None,
            {"sessionId": "live-1", "messageCount": 0, "avgLatency": 0, "totalCost": 0},
        ),
        ("GET", "/api/metrics/session/none", None, None),
        ("GET", "/health", None, {"status": "healthy", "timestamp": Moment(Window(50.0, 51.0))}),
        ("GET", "/ready", None, {"status": "ready", "timestamp": Moment(Window(50.0, 51.0))}),
        ("GET", "/nowhere", None, None),
    ],
)
def test_each_operation_has_one_right_answer(
    api: Api, world: AgentWorld, method: str, target: str, body: Any, expected: Any
) -> None:
    """The state decides the whole body of a success; without a session there is no success."""
    found = truth(api, world, method, target, body)
    assert found == expected
    assert found is None or list(found) == list(expected)


def test_a_session_shows_its_times_by_their_windows_until_an_answer_showed_them(
    api: Api, world: AgentWorld
) -> None:
    """Before it was read any time of the window is right, afterwards the shown text alone."""
    found = truth(api, world, "GET", "/api/sessions/ended-1")
    assert (found["status"], found["roomName"]) == ("ended", "cellar")
    assert found["startedAt"] == Moment(ENDED.created)
    assert found["endedAt"] == Moment(ENDED.ended or ENDED.created)
    assert "endedAt" not in truth(api, world, "GET", "/api/sessions/live-1")
    assert truth(api, world, "GET", "/api/sessions/live-1")["status"] == "connecting"
    world.sessions["ended-1"].started_text = "then"
    assert truth(api, world, "GET", "/api/sessions/ended-1")["startedAt"] == "then"


@pytest.mark.parametrize(
    ("start", "end", "ids"),
    [
        ("", "", ["live-1", "ended-1"]),
        ("1970-01-02", "1970-01-02", ["live-1"]),
        ("1970-01-03", "", ["ended-1"]),
        ("", "1970-01-03T23:59:59Z", ["live-1"]),
        ("", "1970-01-04", ["live-1", "ended-1"]),
        ("1970-01-02T00:00:01Z", "", ["live-1", "ended-1"]),
        ("1970-01-02T00:00:02Z", "", ["ended-1"]),
        ("1970-01-04T03:00:00+02:00", "1970-01-04T01:00:00Z", ["ended-1"]),
        ("no date", "1970-01-02", ["live-1"]),
        ("1970-01-05", "1970-01-01", []),
    ],
)
def test_a_range_holds_sessions_that_may_have_started_in_it(
    start: str, end: str, ids: list[str]
) -> None:
    """A day is whole and in UTC; a session at the edge counts when its window touches the range."""
    query = {"startDate": [start], "endDate": [end]}
    assert [session.id for session in in_range([LIVE, ENDED], query)] == ids


def test_figures_count_within_the_range_and_limits_now() -> None:
    """`limit` and `live` are of the moment, the numbers of sessions those of the range."""
    agent = Agent(7, registered=True, sessions=[LIVE, ENDED])
    late = {"startDate": ["1970-01-03"]}
    words = agent_words(agent, late)
    assert (words["live"], words["limit"], words["sessions"], words["live_sessions"]) == (
        1,
        100,
        1,
        0,
    )
    assert [session.id for session in words["to_leave"]] == ["live-1"]
    assert words["to_leave"][0] is not LIVE


def test_a_tenant_is_busy_by_its_agents() -> None:
    """Two live sessions of one agent are one busy agent; other tenants do not count."""
    others = [replace(LIVE, id="b"), replace(LIVE, id="c", agent=9), replace(LIVE, tenant=6)]
    assert tenant_words(5, [LIVE, ENDED, *others], {}) == {
        "id": 5,
        "sessions": 4,
        "busy": 2,
        "cost": 0,
    }


def called(effect: Effect) -> tuple[str, Any]:
    """A call and its body."""
    return effect.call, json.loads(effect.body)


def test_a_session_launches_its_agent() -> None:
    """The dispatch carries agent, session and tenant as metadata, and the name only if it was given."""
    (launch,) = joining("s-1", "lobby", {"agentId": 7.0, "tenantId": {}, "other": 1})
    metadata = {"agentId": 7, "sessionId": "s-1", "tenantId": None}
    assert called(launch) == ("Launch", {"room": "lobby", "agentName": "", "metadata": metadata})
    assert '"agentId": 7,' in launch.body
    (named,) = joining("s-1", "lobby", {"agentId": 7, "tenantId": 5, "participantName": "Ада"})
    assert json.loads(named.body)["metadata"]["participantName"] == "Ада"
    assert "Ада" in named.body


def test_sessions_that_end_take_their_agents_along() -> None:
    """A live session loses its dispatch and its agent, an ended one the agent alone; calls are sorted."""
    found = [called(effect) for effect in leaving([ENDED, LIVE])]
    metadata = {"agentId": 7, "sessionId": "live-1", "tenantId": 5}
    assert found == [
        ("DeleteDispatch", {"room": "lobby", "metadata": metadata}),
        ("RemoveParticipant", {"identity": "agent-ended-1", "room": "cellar"}),
        ("RemoveParticipant", {"identity": "agent-live-1", "room": "lobby"}),
    ]
    assert leaving([]) == []
