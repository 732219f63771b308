"""Secrets of agents, tried on a running API: none in an answer, a log, an event, or a byte of its files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent_runtime.secrecy.keyring import generate_key
from fixtures.runtime_client.judged_api import JudgedApi
from runtime.tests.api.start import StartApi

PLANTED = "pl4nted"
PLACES: dict[str, Any] = {
    "sttConfig": {"apiKey": f"{PLANTED}-1", "fallbacks": [{"apiKey": f"{PLANTED}-2"}]},
    "llmConfig": {"apiKey": f"{PLANTED}-3", "extra_headers": {"X-Own": f"{PLANTED}-4"}},
    "ttsConfig": {"apiKey": f"{PLANTED}-5", "fallbacks": [{"api_key": f"{PLANTED}-6"}]},
    "livekitConfig": {"apiKey": "k", "apiSecret": f"{PLANTED}-7"},
    "langfuseConfig": {"publicKey": "k", "secretKey": f"{PLANTED}-8"},
    "mcpConfig": {"servers": [{"url": "https://x", "headers": {"Authorization": f"{PLANTED}-9"}}]},
    "vendorSecret": f"{PLANTED}-10",
    "systemPrompt": f"the code is {PLANTED}-11",
}
FAULTY: list[dict[str, Any]] = [
    {"llmConfig": {"apiKey": [f"{PLANTED}-12"]}},
    {"llmConfig": {"apiKey": f"{PLANTED}-13", "api_key": f"{PLANTED}-14"}},
    {"llmConfig": {"apiKey": f"{PLANTED}-15", "baseUrl": f"http://u:{PLANTED}-16@127.0.0.1/"}},
    {"llmConfig": {"apiKey": f"{PLANTED}-17", "baseUrl": f"https://10.0.0.1/?token={PLANTED}-18"}},
    {"sttConfig": {"apiKey": {"value": f"{PLANTED}-19"}}},
    {"langfuseConfig": {"secretKey": [f"{PLANTED}-20"]}},
]


def log_of(api: JudgedApi) -> str:
    """What the API has logged so far."""
    assert api.process is not None
    return api.process.log_path.read_text()


def use(api: JudgedApi) -> str:
    """Register, list, call, end and delete agents with secrets; returns every answer as one text."""
    configs = (PLACES, {**PLACES, "name": "again"}, *FAULTY)
    answers = [api.register(7, **config) for config in configs]
    answers.append(api.register(8, **PLACES))
    created = api.create(7, participantName="Ada")
    session_id = created.json["session"]["sessionId"]
    answers += [
        created,
        api.send("GET", "/api/agents"),
        api.send("GET", "/api/agents/7"),
        api.send("GET", f"/api/sessions/{session_id}"),
        api.send("POST", f"/api/sessions/{session_id}/end"),
        api.send("GET", f"/api/metrics/session/{session_id}"),
        api.send("GET", "/api/metrics/agent/7"),
        api.send("GET", "/metrics"),
        api.send("GET", "/ready"),
        api.send("DELETE", "/api/agents/7"),
    ]
    assert sum(answer.status == 200 for answer in answers) >= 10
    return "".join(f"{answer.headers}{answer.body.decode()}" for answer in answers)


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_secret_is_in_an_answer_a_log_or_a_file(
    start_api: StartApi, tmp_path: Path, form: str
) -> None:
    """With a key, no byte that the API sends, logs or stores is one of a planted secret."""
    environ = {
        "AGENT_RUNTIME_SECRET_KEY": generate_key(),
        "DATABASE_URL": f"sqlite:///{tmp_path / 'x.sqlite3'}",
        "LOG_LEVEL": "DEBUG",
        "LOG_FORMAT": form,
        "TMPDIR": str(tmp_path),
    }
    with start_api(**environ) as api:
        answers = use(api)
    log = log_of(api)
    assert PLANTED not in answers
    assert PLANTED not in log
    assert json.dumps(environ["AGENT_RUNTIME_SECRET_KEY"])[1:-1] not in log
    found = [one.name for one in tmp_path.rglob("*") if one.is_file()]
    assert "x.sqlite3" in found
    assert [
        one for one in found if PLANTED.encode() in next(tmp_path.rglob(one)).read_bytes()
    ] == []


def test_a_start_without_a_key_is_logged(start_api: StartApi) -> None:
    """An API that stores secrets in clear says so at start, with the remedy."""
    with start_api() as api:
        log = log_of(api)
    assert "AGENT_RUNTIME_SECRET_KEY is not set" in log
    assert "secrets generate-key" in log
