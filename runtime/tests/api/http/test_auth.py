"""Which requests need the API key, and in which form."""

from __future__ import annotations

import pytest

from fixtures.runtime_client.judged_api import DEFAULT_KEY, JudgedApi
from runtime.tests.api.start import StartApi

PROTECTED = [
    ("GET", "/api/agents"),
    ("GET", "/api/agents/"),
    ("POST", "/api/agents/register"),
    ("GET", "/api/agents/1"),
    ("DELETE", "/api/agents/1"),
    ("PUT", "/api/agents/1"),
    ("GET", "/api/agents/no/such/path"),
    ("GET", "/api/%61gents/1"),
    ("POST", "/api/sessions/create"),
    ("GET", "/api/sessions/x"),
    ("POST", "/api/sessions/x/end"),
    ("GET", "/api/metrics/agent/1"),
    ("GET", "/api/metrics/tenant/1"),
    ("GET", "/api/metrics/session/x"),
]


@pytest.mark.parametrize(("method", "path"), PROTECTED)
@pytest.mark.parametrize(
    "sent",
    [
        "",
        "Bearer no",
        "Bearer ",
        f"Basic {DEFAULT_KEY}",
        f"Bearer {DEFAULT_KEY}x",
        "Bearer \xe9",
    ],
    ids=["none", "wrong", "empty", "scheme", "longer", "accent"],
)
def test_a_wrong_key_is_refused(api: JudgedApi, method: str, path: str, sent: str) -> None:
    """Agents, sessions and metrics answer any wrong or missing key with 401 and the known words."""
    answer = api.send(method, path, headers={"Authorization": sent})
    assert (answer.status, answer.error) == (401, "Unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("sent", [f"Bearer {DEFAULT_KEY}", DEFAULT_KEY], ids=["bearer", "bare"])
def test_the_key_passes_in_both_forms(api: JudgedApi, sent: str) -> None:
    """The key is accepted with and without the word Bearer."""
    assert api.send("GET", "/api/agents", headers={"Authorization": sent}).status == 200


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_probes_need_no_key(api: JudgedApi, path: str) -> None:
    """Health and readiness respond without a key."""
    assert api.send("GET", path, headers={"Authorization": ""}).status == 200


def test_the_key_is_checked_before_the_body(api: JudgedApi) -> None:
    """A malformed body without the key is 401, so that a stranger learns nothing about the body."""
    headers = {"Authorization": "", "Content-Type": "application/json"}
    assert api.send("POST", "/api/agents/register", body=b"{", headers=headers).status == 401


@pytest.mark.parametrize("path", ["//api/agents", "/%2Fapi/agents", "//api/sessions/x"])
def test_two_leading_slashes_are_unknown(api: JudgedApi, path: str) -> None:
    """A path with two leading slashes is 404, so that it is no way around the key."""
    assert api.send("GET", path, headers={"Authorization": ""}).status == 404


def test_without_a_configured_key_every_request_passes(
    start_api: StartApi,
) -> None:
    """When no key is configured, requests pass with any Authorization header or none."""
    with start_api(key="") as open_api:
        assert open_api.send("GET", "/api/agents").status == 200
        assert (
            open_api.send("GET", "/api/agents", headers={"Authorization": "Bearer x"}).status == 200
        )
        assert open_api.send("GET", "/api/sessions/x").status == 404


def test_sessions_and_metrics_can_be_opened(
    start_api: StartApi,
) -> None:
    """The setting for old clients opens sessions and metrics, and keeps agents protected."""
    with start_api(AGENT_RUNTIME_OPEN_SESSIONS_AND_METRICS="true") as half_open:
        nothing = {"Authorization": ""}
        assert half_open.send("GET", "/api/sessions/x", headers=nothing).status == 404
        assert half_open.send("GET", "/api/metrics/agent/1", headers=nothing).status == 200
        assert half_open.send("GET", "/api/agents", headers=nothing).status == 401
