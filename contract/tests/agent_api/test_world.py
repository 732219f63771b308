"""The state of the agent API, as its requests and the new service's answers make it."""

from __future__ import annotations

from typing import Any

import pytest

from contract.agent_api.model.state import Agent, hashable, number
from contract.agent_api.model.world import AgentWorld
from contract.api.api import Api
from contract.api.request_facts import request_facts
from contract.tests.samples import answer, exchanged, request
from contract.values.typed_values import Window

ID = "V1StGXR8_Z5jdHi6B-myT"


class History:
    """A world that learns requests and answers one after another."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.world = AgentWorld()

    def add(
        self,
        method: str,
        target: str,
        body: Any = None,
        got: Any = None,
        *,
        at: float = 1.0,
        status: int = 200,
    ) -> None:
        """One request with its answer, one second after `at`."""
        sent = request_facts(request(method, target, body), self.api)
        self.world.learn(sent, answer(got, status, sent=at))

    def register(self, agent: Any, config: Any = None, *, status: int = 200) -> None:
        """A registration."""
        body = {"agentId": agent, "tenantId": 5, "config": config or {}}
        self.add("POST", "/api/agents/register", body, {"success": True}, status=status)

    def create(self, agent: Any, own_id: str = ID, *, at: float = 1.0) -> None:
        """A created session."""
        got = {"success": True, "session": {"sessionId": own_id, "roomName": "lobby"}}
        self.add("POST", "/api/sessions/create", {"agentId": agent, "tenantId": 5}, got, at=at)

    def words(self, method: str, target: str, body: Any = None) -> dict[str, Any]:
        """The words for the next request."""
        sent = request(method, target, body)
        return dict(exchanged(self.api, sent, answer({}), answer({}), self.world).words)


@pytest.fixture
def history(api: Api) -> History:
    """Nothing happened yet."""
    return History(api)


def test_agents_are_listed_in_the_order_of_their_registration(history: History) -> None:
    """A second registration keeps the place and takes the new configuration; a float id is its integer."""
    for agent in (7, 3.0, 5):
        history.register(agent)
    history.register(7, {"maxConcurrentSessions": 2})
    assert history.world.order == [7, 3, 5]
    assert history.world.agent(7).limit == 2
    assert not history.world.agent(99).registered


def test_only_a_success_of_the_new_service_changes_the_state(history: History) -> None:
    """A refused registration, end or deletion is none, whatever the request says."""
    history.register(7, status=400)
    assert history.world.order == []
    history.register(7)
    history.create(7)
    history.add("POST", f"/api/sessions/{ID}/end", None, {}, status=503)
    history.add("DELETE", "/api/agents/7", None, {}, status=503)
    assert history.world.sessions[ID].live
    assert history.world.order == [7]


def test_a_session_belongs_to_its_agent(history: History) -> None:
    """A session has the id and room of the answer, agent and tenant of the request, and its time."""
    history.register(7)
    history.create(7, at=10.0)
    session = history.world.sessions[ID]
    assert (session.agent, session.tenant, session.room) == (7, 5, "lobby")
    assert (session.created, session.live) == (Window(10.0, 11.0), True)
    assert history.world.agent(7).live == 1


def test_a_session_ends_once(history: History) -> None:
    """The first end counts: a second one does not move its time."""
    history.create(7)
    history.add("POST", f"/api/sessions/{ID}/end", None, {}, at=20.0)
    history.add("POST", f"/api/sessions/{ID}/end", None, {}, at=30.0)
    history.add("POST", "/api/sessions/unknown/end", None, {}, at=30.0)
    assert history.world.sessions[ID].ended == Window(20.0, 21.0)


def test_a_deleted_agent_ends_its_sessions_and_can_come_back(history: History) -> None:
    """A deletion ends the live sessions; registered again, the agent keeps them and stands last."""
    history.register(7)
    history.register(8)
    history.create(7)
    history.add("DELETE", "/api/agents/7.0", None, {}, at=40.0)
    assert history.world.order == [8]
    assert history.world.sessions[ID].ended == Window(40.0, 41.0)
    history.add("DELETE", "/api/agents/7", None, {}, at=50.0)
    history.register(7)
    assert history.world.order == [8, 7]
    agent = history.world.agent(7)
    assert (len(agent.sessions), agent.live, agent.sessions[0].ended) == (1, 0, Window(40.0, 41.0))


def test_the_first_shown_times_of_a_session_are_kept(history: History) -> None:
    """Every later answer must show the text that the first one showed."""
    history.create(7)
    for text in ("first", "second"):
        history.add("GET", f"/api/sessions/{ID}", None, {"startedAt": text, "endedAt": text})
    history.add("GET", "/api/sessions/unknown", None, {"startedAt": "x"})
    history.add("GET", f"/api/sessions/{ID}", None, [])
    session = history.world.sessions[ID]
    assert (session.started_text, session.ended_text) == ("first", "first")


@pytest.mark.parametrize("got", [None, [], {"session": {}}, {"session": {"sessionId": 7}}])
def test_an_answer_without_an_id_creates_no_session(history: History, got: Any) -> None:
    """A wrong answer is a finding in its own place; the state goes on without it."""
    history.add("POST", "/api/sessions/create", {"agentId": 7}, got)
    history.add("POST", "/api/sessions/create", [], {"session": {"sessionId": ID}})
    history.add("POST", "/api/agents/register", [7], {"success": True})
    assert (history.world.sessions, history.world.order) == ({}, [])


def test_words_name_what_the_request_is_about(history: History) -> None:
    """Agent, tenant and session come from the path, else from the body; unknown ones are empty."""
    history.register(7)
    history.create(7)
    assert history.words("GET", "/api/agents/7")["agent"]["live"] == 1
    assert history.words("GET", "/api/agents/8")["agent"]["registered"] is False
    body = {"agentId": 7.0, "tenantId": 5.0}
    words = history.words("POST", "/api/sessions/create", body)
    assert (words["agent"]["registered"], words["tenant"]["id"]) == (True, 5)
    assert history.words("POST", "/api/sessions/create", {"agentId": [7]})["agent"]["id"] is None
    assert history.words("GET", f"/api/sessions/{ID}")["session"].room == "lobby"
    assert history.words("GET", "/api/sessions/none")["session"] is None
    assert history.words("GET", "/api/metrics/tenant/5")["tenant"]["sessions"] == 1


def test_words_are_copies_of_the_state(history: History) -> None:
    """A mutant judges the step again later, when the world has gone on."""
    history.register(7)
    history.create(7)
    words = history.words("GET", f"/api/sessions/{ID}")
    history.add("POST", f"/api/sessions/{ID}/end", None, {})
    history.register(8)
    assert (words["session"].live, words["world"].order) == (True, [7])
    of_agent = history.words("DELETE", "/api/agents/7")["agent"]
    assert (of_agent["to_leave"], words["agent"]["live"]) == ([], 0)


def test_words_of_a_body_follow_the_document(history: History) -> None:
    """The faults, warnings and texts of a body are those that openapi.yaml demands of it."""
    target = "/api/agents/register"
    body = {"agentId": 0, "tenantId": 1, "config": {"other": 1, "description": "a\0b"}}
    words = history.words("POST", target, body)
    assert "Too small: expected number to be >=1" in words["faults"]
    assert "text must not hold a NUL character" in words["nul"]
    assert words["warnings"] == ["other: nothing acts on this key"]
    assert words["config_at_fault"] is False
    assert history.words("POST", target, {"config": {"name": 7}})["config_at_fault"] is True
    assert history.words("POST", target, {"config": []})["config_at_fault"] is False
    assert history.words("POST", target, [])["warnings"] == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("7.0", 7),
        ("2147483647", 2**31 - 1),
        ("2147483648", None),
        ("99999999999", None),
        ("07", None),
        ("0", None),
        ("-7", None),
        ("7.5", None),
        ("7e0", None),
        ("", None),
        ("\u0667", None),
    ],
)
def test_an_id_of_a_path_is_a_whole_number_within_the_limit(text: str, value: int | None) -> None:
    """7.0 is 7; any other text, and a number that the database cannot hold, is no id."""
    assert number(text) == value


def test_an_id_of_a_body_is_a_key() -> None:
    """7.0 is 7; objects and lists, which cannot be keys, are none; other values stay."""
    given: list[Any] = [7.0, 7.5, "7", True, None, {}, [7]]
    assert list(map(hashable, given)) == [7, 7.5, "7", True, None, None, None]


@pytest.mark.parametrize(
    ("config", "limit"),
    [
        (None, 100),
        ([], 100),
        ({}, 100),
        ({"maxConcurrentSessions": 3}, 3),
        ({"maxConcurrentSessions": 3.0}, 3),
        ({"maxConcurrentSessions": 0}, 100),
        ({"maxConcurrentSessions": "3"}, 100),
        ({"maxConcurrentSessions": float("inf")}, 100),
    ],
)
def test_an_agent_holds_the_sessions_of_its_configuration(config: Any, limit: int) -> None:
    """The limit is that of the configuration where it has a number above 0, else the default."""
    assert Agent(7, config=config).limit == limit
