"""The error texts for bodies at fault: the old service's issues, and those that it lets pass."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract.agent_api.model.state import MAX_ID, MAX_TEXT
from contract.agent_api.model.zod_issues import faults, nul_faults

REGISTER = "POST /api/agents/register"
CREATE = "POST /api/sessions/create"
RIGHT = {"agentId": 7, "tenantId": 5, "config": {}}


def issues(operation: str, body: Any, old: Any = None) -> list[Any]:
    """The issues of a body."""
    text = faults(operation, body, old)
    return [] if not text else list(json.loads(text))


@pytest.mark.parametrize(
    ("operation", "body", "message"),
    [
        (REGISTER, {**RIGHT, "agentId": 7.5}, "Invalid input: expected int, received number"),
        (REGISTER, {**RIGHT, "agentId": 0}, "Too small: expected number to be >=1"),
        (REGISTER, {**RIGHT, "agentId": -1.0}, "Too small: expected number to be >=1"),
        (REGISTER, {**RIGHT, "tenantId": MAX_ID + 1}, f"Too big: expected number to be <={MAX_ID}"),
        (REGISTER, {**RIGHT, "config": []}, "Invalid input: expected object, received array"),
        (REGISTER, {**RIGHT, "config": "x"}, "Invalid input: expected object, received string"),
        (REGISTER, {**RIGHT, "config": None}, "Invalid input: expected object, received null"),
        (REGISTER, {**RIGHT, "config": True}, "Invalid input: expected object, received boolean"),
        (REGISTER, {**RIGHT, "config": 7}, "Invalid input: expected object, received number"),
        (
            CREATE,
            {"agentId": 7, "tenantId": 5, "roomName": "x" * (MAX_TEXT + 1)},
            f"Too big: expected string to have <={MAX_TEXT} characters",
        ),
        (
            CREATE,
            {"agentId": 7, "tenantId": 5, "participantName": "x" * (MAX_TEXT + 1)},
            f"Too big: expected string to have <={MAX_TEXT} characters",
        ),
    ],
)
def test_a_value_outside_the_document_is_an_issue(
    operation: str, body: dict[str, Any], message: str
) -> None:
    """What the old service lets pass and openapi.yaml does not is one issue, in the words of zod."""
    (issue,) = issues(operation, body)
    assert issue["message"] == message
    (name,) = issue["path"]
    assert body[name] != RIGHT.get(name)


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        (REGISTER, RIGHT),
        (REGISTER, {**RIGHT, "agentId": float(MAX_ID)}),
        (REGISTER, {**RIGHT, "agentId": "7", "tenantId": True}),
        (REGISTER, {**RIGHT, "agentId": float("inf"), "tenantId": float("-inf")}),
        (CREATE, {"agentId": 1, "tenantId": 1, "roomName": "x" * MAX_TEXT}),
        (CREATE, {"agentId": 1, "tenantId": 1, "roomName": 7, "config": []}),
        (REGISTER, [RIGHT]),
        (REGISTER, None),
        ("GET /api/agents", {"agentId": 0}),
    ],
)
def test_what_is_right_or_the_old_services_matter_is_no_issue(operation: str, body: Any) -> None:
    """Values at their limits pass; wrong types, which the old service reports, are left to it."""
    assert faults(operation, body, None) == ""


def test_issues_are_complete_json_of_zod() -> None:
    """An issue has the fields of zod 4 in their order, indented by two spaces."""
    text = faults(REGISTER, {**RIGHT, "tenantId": 0}, None)
    assert text == json.dumps(
        [
            {
                "origin": "number",
                "code": "too_small",
                "minimum": 1,
                "inclusive": True,
                "path": ["tenantId"],
                "message": "Too small: expected number to be >=1",
            }
        ],
        indent=2,
    )
    (whole,) = issues(REGISTER, {**RIGHT, "agentId": 0.5})
    assert list(whole) == ["expected", "format", "code", "path", "message"]


def reported(*names: str) -> dict[str, str]:
    """An answer of the old service with an issue for each field."""
    return {"error": json.dumps([{"path": [name], "message": f"old {name}"} for name in names])}


def test_issues_of_both_stand_in_the_order_of_the_fields() -> None:
    """An own issue is put among those of the old service, where its field stands."""
    body = {"agentId": "x", "tenantId": 0, "config": {}}
    found = issues(REGISTER, body, reported("config", "agentId"))
    assert [issue["path"] for issue in found] == [["agentId"], ["tenantId"], ["config"]]
    assert found[0]["message"] == "old agentId"


def test_the_old_services_issue_of_a_field_counts() -> None:
    """Where the old service reports a field itself, its words stay; without own issues there is no text."""
    body = {"agentId": 0, "tenantId": 0, "config": {}}
    assert faults(REGISTER, body, reported("agentId", "tenantId")) == ""
    messages = [issue["message"] for issue in issues(REGISTER, body, reported("agentId"))]
    assert messages == ["old agentId", "Too small: expected number to be >=1"]


@pytest.mark.parametrize("old", [{"error": "Agent at capacity"}, {"error": "7"}, {"error": 7}, []])
def test_another_error_of_the_old_service_has_no_issues(old: Any) -> None:
    """An error text that is no list of issues adds none."""
    assert len(issues(REGISTER, {**RIGHT, "agentId": 0}, old)) == 1


def test_nul_characters_are_issues_wherever_they_stand() -> None:
    """Each text and key with a NUL is named by its path; PostgreSQL cannot store one."""
    body = {"a": "x\0", "b\0": {"c": ["fine", "\0"]}, "d": 7, "e": {"f\0": "\0"}}
    found = json.loads(nul_faults(body))
    assert [issue["path"] for issue in found] == [
        [],
        ["a"],
        ["b\0", "c", 1],
        ["e"],
        ["e", "f\0"],
    ]
    assert {issue["code"] for issue in found} == {"custom"}
    assert nul_faults({"a": ["x", {"b": None}]}) == ""
    assert nul_faults(["\0"]) == ""
