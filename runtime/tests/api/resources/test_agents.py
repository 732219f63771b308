"""Agents over HTTP, as the platform's builder uses them."""

from __future__ import annotations

import json

import pytest

from fixtures.runtime_client.judged_api import JudgedApi

UNKNOWN = {"registered": False, "active": False, "activeSessions": 0, "maxSessions": 0}


def test_an_unregistered_agent_is_no_error(api: JudgedApi) -> None:
    """The status of an unregistered agent is 200 with false and zeros, keys in the known order."""
    answer = api.send("GET", f"/api/agents/{api.new_id()}")
    assert answer.status == 200
    assert answer.json == UNKNOWN
    assert list(answer.json) == list(UNKNOWN)


def test_a_registered_agent_has_its_maximum(api: JudgedApi) -> None:
    """After register the agent is registered and active, with the given maximum of sessions."""
    agent_id = api.new_id()
    assert api.register(agent_id, maxConcurrentSessions=3).json == {
        "success": True,
        "agentId": agent_id,
    }
    assert api.send("GET", f"/api/agents/{agent_id}").json == {
        "registered": True,
        "active": True,
        "activeSessions": 0,
        "maxSessions": 3,
    }


def test_maximum_has_a_default(api: JudgedApi) -> None:
    """Without maxConcurrentSessions an agent may hold MAX_SESSIONS_PER_AGENT, 100 by default."""
    agent_id = api.new_id()
    api.register(agent_id)
    assert api.send("GET", f"/api/agents/{agent_id}").json["maxSessions"] == 100


def test_agents_are_listed_in_order_of_registration(api: JudgedApi) -> None:
    """Agents are listed in the order of first registration, without deleted ones."""
    first, second, third = (api.new_id() for _ in range(3))
    for agent_id in (third, first, second, third):
        api.register(agent_id)
    api.send("DELETE", f"/api/agents/{first}")
    listed = api.send("GET", "/api/agents").json["agents"]
    assert [each for each in listed if each in {first, second, third}] == [third, second]


def test_registering_again_keeps_sessions(api: JudgedApi) -> None:
    """A new configuration replaces the old one; active sessions stay."""
    agent_id, _ = api.new_session(maxConcurrentSessions=2)
    api.register(agent_id, maxConcurrentSessions=5)
    status = api.send("GET", f"/api/agents/{agent_id}").json
    assert (status["activeSessions"], status["maxSessions"]) == (1, 5)


def test_deleting_ends_sessions(api: JudgedApi) -> None:
    """Deleting an agent ends its sessions, which can still be read."""
    agent_id, session_id = api.new_session()
    assert api.send("DELETE", f"/api/agents/{agent_id}").json == {"success": True}
    assert api.send("GET", f"/api/agents/{agent_id}").json == UNKNOWN
    assert api.send("GET", f"/api/sessions/{session_id}").json["status"] == "ended"


def test_deleting_an_unknown_agent_succeeds(api: JudgedApi) -> None:
    """Deleting an agent that is not registered is 200."""
    assert api.send("DELETE", f"/api/agents/{api.new_id()}").json == {"success": True}


@pytest.mark.parametrize(
    "text", ["abc", "1abc", "1.7", "0", "-1", "+1", "01", "2147483648", "%C2%B9"]
)
def test_an_invalid_id(api: JudgedApi, text: str) -> None:
    """Text that is no id is 404 in GET and 400 in DELETE; no number is guessed from it."""
    assert api.send("GET", f"/api/agents/{text}").status == 404
    refused = api.send("DELETE", f"/api/agents/{text}")
    assert (refused.status, refused.error) == (
        400,
        "agentId must be an integer from 1 to 2147483647",
    )


def test_null_and_unknown_keys_are_accepted(api: JudgedApi) -> None:
    """A configuration of nulls and unknown keys is accepted: the builder sends null for unset fields."""
    names = (
        "name description sttProvider sttConfig ttsProvider ttsConfig voiceId llmProvider llmModel "
        "llmConfig visionEnabled screenShareEnabled transcribeEnabled languages avatarModel "
        "systemPrompt initialGreeting temperature mcpGatewayUrl mcpConfig maxConcurrentSessions "
        "resourceLimits livekitConfig langfuseConfig somethingNew"
    )
    assert api.register(api.new_id(), **dict.fromkeys(names.split())).status == 200


def test_keys_that_nothing_acts_on_are_warned_about(api: JudgedApi) -> None:
    """Register names each key that is set and has no effect, after success and agentId."""
    agent_id = api.new_id()
    answer = api.register(agent_id, visionEnabled=True, avatarModel=None, flavour="mint")
    assert answer.status == 200
    assert list(answer.json) == ["success", "agentId", "warnings"]
    assert answer.json["warnings"] == [
        "visionEnabled: nothing acts on this key yet",
        "flavour: nothing acts on this key",
    ]
    assert api.send("GET", f"/api/agents/{agent_id}").json["registered"] is True


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sttProvider", "nobody"),
        ("sttProvider", 1),
        ("temperature", 3),
        ("temperature", "warm"),
        ("visionEnabled", "yes"),
        ("visionEnabled", 1),
        ("languages", "en"),
        ("maxConcurrentSessions", 0),
        ("maxConcurrentSessions", 1.5),
        ("sttConfig", []),
        ("livekitConfig", {"url": 7}),
    ],
)
def test_faulty_configuration_names_the_field(api: JudgedApi, field: str, value: object) -> None:
    """A faulty field of the configuration is 400 with its path, and nothing is registered."""
    agent_id = api.new_id()
    refused = api.register(agent_id, **{field: value})
    assert refused.status == 400
    assert f'"config",\n      "{field}"' in refused.error
    assert api.send("GET", f"/api/agents/{agent_id}").json == UNKNOWN


def test_an_unknown_provider_lists_the_known_ones(api: JudgedApi) -> None:
    """The error for an unknown provider lists the available ones."""
    assert "deepgram" in api.register(api.new_id(), sttProvider="nobody").error


@pytest.mark.parametrize("section", ["sttConfig", "llmConfig", "ttsConfig"])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"baseUrl": "https://x.example"}, "needs apiKey beside it"),
        ({"base_url": "https://x.example", "api_key": " "}, "needs apiKey beside it"),
        ({"baseUrl": "http://x.example", "apiKey": "s3cret"}, "EGRESS_ALLOW"),
        ({"baseURL": "https://127.0.0.1:8080", "apiKey": "s3cret"}, "EGRESS_ALLOW"),
        ({"baseUrl": "https://u:s3cret@x.example", "apiKey": "s3cret"}, "user name or password"),
        ({"baseUrl": "file:///etc/passwd", "apiKey": "s3cret"}, "must be a URL"),
    ],
)
def test_an_address_of_an_agent_s_own_is_judged_at_registration(
    api: JudgedApi, section: str, options: dict[str, str], words: str
) -> None:
    """400 names the field and the remedy, and nothing is registered; no secret is in the answer."""
    for config, path in (
        (options, f'"{section}",\n      "baseUrl"'),
        ({"fallbacks": [options]}, f'"{section}",\n      "fallbacks",\n      0,\n      "baseUrl"'),
    ):
        agent_id = api.new_id()
        answer = api.register(agent_id, **{section: config})
        assert answer.status == 400
        assert path in answer.json["error"]
        assert words in answer.json["error"]
        assert "s3cret" not in answer.json["error"]
        assert not api.send("GET", f"/api/agents/{agent_id}").json["registered"]


def test_an_address_with_a_key_of_its_own_is_registered(api: JudgedApi) -> None:
    """A public address over https with the agent's key is accepted, host only and in any spelling."""
    options = {"base_url": " https://api.eu.vendor.example ", "api_key": "k"}
    config = {**options, "fallbacks": [options]}
    answer = api.register(api.new_id(), sttConfig=config, llmConfig=config, ttsConfig=config)
    assert (answer.status, "warnings" in answer.json) == (200, False)


def test_at_most_fifty_issues_are_listed(api: JudgedApi) -> None:
    """Of 20,000 wrong entries the answer names the first 50, of 49 all; so it does with warnings."""
    for count, listed in ((49, 49), (50, 50), (51, 50), (20_000, 50)):
        answer = api.register(api.new_id(), languages=[1] * count)
        assert answer.status == 400
        issues = json.loads(answer.error)
        assert [issue["path"] for issue in issues] == [
            ["config", "languages", n] for n in range(listed)
        ]
    accepted = api.register(api.new_id(), **{f"unknown{n}": 1 for n in range(2000)})
    assert len(accepted.json["warnings"]) == 50


def test_the_schemas_of_the_forms_are_served(api: JudgedApi) -> None:
    """GET /api/agents/schema has a JSON Schema for each form; an agent's own path stays what it was."""
    answer = api.send("GET", "/api/agents/schema")
    assert answer.status == 200
    assert "sttProvider" in answer.json["registered"]["properties"]
    assert "llm_config" in answer.json["file"]["properties"]
    assert api.send("GET", "/api/agents/schemas").status == 404
    assert api.send("DELETE", "/api/agents/schema").status == 405
