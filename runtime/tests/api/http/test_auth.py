"""The API key."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from fixtures.runtime_client.judged_api import DEFAULT_KEY, JudgedApi

GUARDED = [
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


@pytest.mark.parametrize(("method", "path"), GUARDED)
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
def test_without_the_key_nothing_is_told(api: JudgedApi, method: str, path: str, sent: str) -> None:
    """Agents, sessions and metrics answer 401 with the known words to any wrong key."""
    answer = api.ask(method, path, headers={"Authorization": sent})
    assert (answer.status, answer.error) == (401, "Unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("sent", [f"Bearer {DEFAULT_KEY}", DEFAULT_KEY], ids=["bearer", "bare"])
def test_the_key_passes_in_both_forms(api: JudgedApi, sent: str) -> None:
    """The key passes with and without the word Bearer."""
    assert api.ask("GET", "/api/agents", headers={"Authorization": sent}).status == 200


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_probes_need_no_key(api: JudgedApi, path: str) -> None:
    """Health and readiness answer anyone."""
    assert api.ask("GET", path, headers={"Authorization": ""}).status == 200


def test_key_is_asked_before_the_body_is_read(api: JudgedApi) -> None:
    """A stranger learns nothing about the body: malformed JSON without the key is 401."""
    headers = {"Authorization": "", "Content-Type": "application/json"}
    assert api.ask("POST", "/api/agents/register", body=b"{", headers=headers).status == 401


@pytest.mark.parametrize("path", ["//api/agents", "/%2Fapi/agents", "//api/sessions/x"])
def test_more_slashes_lead_nowhere(api: JudgedApi, path: str) -> None:
    """A path with two leading slashes is unknown, and no way around the key."""
    assert api.ask("GET", path, headers={"Authorization": ""}).status == 404


def test_without_a_key_set_nothing_asks(
    start_api: Callable[..., AbstractContextManager[JudgedApi]],
) -> None:
    """When no key is set, requests pass, the builder's empty Authorization header too."""
    with start_api(key="") as open_api:
        assert open_api.ask("GET", "/api/agents").status == 200
        assert (
            open_api.ask("GET", "/api/agents", headers={"Authorization": "Bearer x"}).status == 200
        )
        assert open_api.ask("GET", "/api/sessions/x").status == 404


def test_sessions_and_metrics_can_be_opened(
    start_api: Callable[..., AbstractContextManager[JudgedApi]],
) -> None:
    """The setting for old clients opens sessions and metrics, and leaves agents closed."""
    with start_api(AGENT_RUNTIME_OPEN_SESSIONS_AND_METRICS="true") as half_open:
        nothing = {"Authorization": ""}
        assert half_open.ask("GET", "/api/sessions/x", headers=nothing).status == 404
        assert half_open.ask("GET", "/api/metrics/agent/1", headers=nothing).status == 200
        assert half_open.ask("GET", "/api/agents", headers=nothing).status == 401
