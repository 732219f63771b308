"""Metrics over HTTP: their dates and forms; the tests of storage check the sums."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fixtures.runtime_client.judged_api import JudgedApi

FORM = "must be an ISO 8601 date or date-time"
PATHS = ["/api/metrics/agent/1", "/api/metrics/tenant/1"]


def test_without_sessions_metrics_are_zeros(api: JudgedApi) -> None:
    """Metrics of an agent or tenant without sessions are integer zeros, keys in the known order."""
    number = 2147483647
    agent = api.send("GET", f"/api/metrics/agent/{number}").body.decode()
    tenant = api.send("GET", f"/api/metrics/tenant/{number}").body.decode()
    assert agent == (
        f'{{"agentId":{number},"totalSessions":0,"activeSessions":0,"avgLatency":0,"totalCost":0}}'
    )
    assert tenant == f'{{"tenantId":{number},"activeAgents":0,"totalSessions":0,"totalCost":0}}'


def test_sessions_are_counted(api: JudgedApi) -> None:
    """A session counts for its agent and its tenant, as active until it ended."""
    agent_id, tenant_id = api.new_id(), api.new_id()
    body = {"agentId": agent_id, "tenantId": tenant_id, "config": {}}
    api.send("POST", "/api/agents/register", body)
    session_id = api.create(agent_id, tenantId=tenant_id).json["session"]["sessionId"]
    agent, tenant = f"/api/metrics/agent/{agent_id}", f"/api/metrics/tenant/{tenant_id}"
    metrics = api.send("GET", agent).json
    assert (metrics["totalSessions"], metrics["activeSessions"]) == (1, 1)
    assert api.send("GET", tenant).json["activeAgents"] == 1
    api.send("POST", f"/api/sessions/{session_id}/end")
    metrics = api.send("GET", agent).json
    assert (metrics["totalSessions"], metrics["activeSessions"]) == (1, 0)
    assert api.send("GET", tenant).json["activeAgents"] == 0


def test_session_without_turns_has_zeros(api: JudgedApi) -> None:
    """Before its first turn a session's metrics are zeros."""
    _, session_id = api.new_session()
    assert api.send("GET", f"/api/metrics/session/{session_id}").json == {
        "sessionId": session_id,
        "messageCount": 0,
        "avgLatency": 0,
        "totalCost": 0,
    }


def test_dates_are_inclusive(api: JudgedApi) -> None:
    """A session is in a range that begins or ends with its own start as shown, or with its day."""
    agent_id, session_id = api.new_session()
    shown = api.send("GET", f"/api/sessions/{session_id}").json["startedAt"]
    started = datetime.fromisoformat(shown)
    day = started.date().isoformat()
    later = (started + timedelta(seconds=1)).astimezone(UTC).isoformat().replace("+00:00", "Z")

    def counted(query: str) -> int:
        answer = api.send("GET", f"/api/metrics/agent/{agent_id}?{query}")
        return int(answer.json["totalSessions"])

    assert counted(f"startDate={shown}&endDate={shown}") == 1
    assert counted(f"startDate={day}&endDate={day}") == 1
    assert counted(f"startDate={shown[:-1]}") == 1
    assert counted(f"startDate={later}") == 0
    assert counted(f"endDate={(started - timedelta(days=1)).date()}") == 0
    assert counted(f"startDate={later}&endDate={day}") == 0


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "date",
    [
        "2026-01-31",
        "2026-01-31T09:30",
        "2026-01-31T09:30:00",
        "2026-01-31T09:30:00.123456789Z",
        "2026-01-31t09:30:00z",
        "2026-01-31T09:30:00%2B02:00",
        "0001-01-01T00:00:00%2B14:00",
        "9999-12-31T23:59:59-14:00",
        "9999-12-31",
    ],
)
def test_valid_dates(api: JudgedApi, path: str, date: str) -> None:
    """ISO 8601 dates and times are accepted, with or without zone, to the ends of the calendar."""
    assert api.send("GET", f"{path}?startDate={date}&endDate={date}").status == 200


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", ["startDate", "endDate"])
@pytest.mark.parametrize(
    "date",
    ["garbage", "", "2026-02-30", "2026-13-01", "20260131", "31.01.2026", "1769852400",
     "2026-01-31 09:30", "2026-01-31T25:00Z", "2026-01-31T09:30:00+02:00", "%00", "2026-W05-6"],
)  # fmt: skip
def test_invalid_dates(api: JudgedApi, path: str, name: str, date: str) -> None:
    """Any other date is 400 and names the parameter; it is never taken as no limit."""
    refused = api.send("GET", f"{path}?{name}={date.replace(' ', '%20')}")
    assert refused.status == 400
    assert refused.error.startswith(f"{name} {FORM}")


def test_date_given_twice_is_refused(api: JudgedApi) -> None:
    """A parameter with two values is 400: which one counts would be a guess."""
    refused = api.send("GET", f"{PATHS[0]}?startDate=2026-01-01&startDate=2026-01-02")
    assert refused.error == "startDate is given more than once"


@pytest.mark.parametrize("text", ["abc", "1.5", "0", "2147483648"])
def test_an_invalid_id(api: JudgedApi, text: str) -> None:
    """Metrics of an invalid id are 400, and the parameter is named."""
    for kind in ("agent", "tenant"):
        refused = api.send("GET", f"/api/metrics/{kind}/{text}")
        assert refused.status == 400
        assert refused.error.startswith(f"{kind}Id must be an integer")
