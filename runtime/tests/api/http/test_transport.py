"""Paths, methods and headers, as in HTTP and in the Node.js version."""

from __future__ import annotations

import re

import pytest

from fixtures.runtime_client.judged_api import JudgedApi


@pytest.mark.parametrize("path", ["/health", "/ready", "/api/agents"])
def test_a_trailing_slash_is_ignored(api: JudgedApi, path: str) -> None:
    """A path gives the same response with and without a trailing slash."""
    plain, slashed = api.send("GET", path), api.send("GET", f"{path}/")
    assert (plain.status, plain.json.keys()) == (slashed.status, slashed.json.keys())


def test_health_is_healthy(api: JudgedApi) -> None:
    """GET /health responds with status and time."""
    answer = api.send("GET", "/health").json
    assert list(answer) == ["status", "timestamp"]
    assert answer["status"] == "healthy"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", answer["timestamp"])


def test_ready_is_ready(api: JudgedApi) -> None:
    """GET /ready responds with readiness."""
    answer = api.send("GET", "/ready")
    assert (answer.status, answer.json["status"]) == (200, "ready")


@pytest.mark.parametrize(
    "path", ["/", "/nope", "/health/ready", "/ready/ready", "/api", "/API/agents"]
)
def test_unknown_path(api: JudgedApi, path: str) -> None:
    """A path that does not exist is 404 in the shape of every error."""
    answer = api.send("GET", path)
    assert (answer.status, answer.error) == (404, f"Cannot GET {path.rstrip('/') or '/'}")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/agents/1", "DELETE, GET, HEAD, OPTIONS"),
        ("PURGE", "/api/agents/1", "DELETE, GET, HEAD, OPTIONS"),
        ("TRACE", "/health", "GET, HEAD, OPTIONS"),
        ("GET", "/api/agents/register", "OPTIONS, POST"),
        ("DELETE", "/api/agents", "GET, HEAD, OPTIONS"),
        ("GET", "/api/sessions/x/end", "OPTIONS, POST"),
    ],
)
def test_other_method(api: JudgedApi, method: str, path: str, allowed: str) -> None:
    """An unsupported method on a known path is 405 and lists the supported ones."""
    answer = api.send(method, path)
    assert (answer.status, answer.error) == (405, f"Cannot {method} {path}")
    assert sorted(answer.headers["allow"].split(", ")) == allowed.split(", ")


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/api/agents/1", "DELETE,GET,HEAD"),
        ("/api/agents/register", "POST"),
        ("/health", "GET,HEAD"),
    ],
)
def test_options(api: JudgedApi, path: str, methods: str) -> None:
    """OPTIONS lists the methods in the Allow header and as its body."""
    answer = api.send("OPTIONS", path)
    assert (answer.status, answer.headers["allow"], answer.body.decode()) == (200, methods, methods)


@pytest.mark.parametrize("path", ["/health", "/ready", "/api/agents", "/api/agents/1"])
def test_head(api: JudgedApi, path: str) -> None:
    """HEAD responds like GET, without the body."""
    head, get = api.send("HEAD", path), api.send("GET", path)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]
    assert head.headers["content-type"] == get.headers["content-type"]


def test_headers(api: JudgedApi) -> None:
    """Responses carry content type and keep-alive as before, and do not name our software."""
    headers = api.send("GET", "/health").headers
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert headers["keep-alive"] == "timeout=5"
    assert not {"server", "x-powered-by", "etag"} & headers.keys()


def test_an_unexpected_body_is_ignored(api: JudgedApi) -> None:
    """An operation that takes no body ignores one."""
    headers = {"Content-Type": "application/json"}
    assert api.send("GET", "/health", body=b"{", headers=headers).status == 200
