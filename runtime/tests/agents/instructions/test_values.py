"""The values of variables come from create, job metadata, agent data and the clock, in one order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from agent_runtime.agents import parse_registered
from agent_runtime.agents.instructions import (
    call_values,
    fill_texts,
    has_variables,
    template_warnings,
)

NOW = datetime(2026, 11, 30, 23, 20, 7, tzinfo=UTC)


def said(text: str, metadata: dict[str, Any], **config: Any) -> str:
    """The text as a call with this metadata says it."""
    form = parse_registered({**config, "systemPrompt": text})
    return fill_texts(form, metadata, NOW).config.system_prompt


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (
            {"variables": {"plan": "create"}, "plan": "job", "agent_data": {"plan": "data"}},
            "create",
        ),
        ({"plan": "job", "agent_data": {"plan": "data"}}, "job"),
        ({"agent_data": {"plan": "data"}}, "data"),
        ({"agentData": {"plan": "data"}}, "data"),
        ({"variables": {"agent_data": {"plan": "nested"}}}, "nested"),
        ({}, "of the agent"),
        ({"variables": {"plan": ""}, "plan": None}, "of the agent"),
        ({"variables": "no object"}, "of the agent"),
    ],
)
def test_the_strongest_value_wins(metadata: dict[str, Any], expected: str) -> None:
    """A create's variables win over job metadata, these over agent data; a blank one gives way."""
    assert said("{{ plan }}", metadata, agentData={"plan": "of the agent"}) == expected


def test_agent_data_of_job_and_configuration_are_one_object() -> None:
    """A key of the job's agent data replaces the configuration's; the others stay."""
    data = {"plan": "free", "questions": [{"text": "Why?"}]}
    text = "{{agent_data.plan}} {{agent_data.questions.0.text}} {{questions[0].text}}"
    for metadata in (
        {"agent_data": {"plan": "gold"}},
        {"variables": {"agentData": {"plan": "gold"}}},
    ):
        assert said(text.replace(".0", "[0]"), metadata, agentData=data) == "gold Why? Why?"


def test_now_is_in_the_agents_time_zone() -> None:
    """The moment reads as people say it, and has parts."""
    text = "{{now}} / {{now.date}} / {{ now.weekday }} / {{now.time}} / {{now.hour}} / {{now.iso}}"
    assert said(text, {}, timezone="Europe/Berlin") == (
        "Tuesday, 1 December 2026, 00:20 / 1 December 2026 / Tuesday / 00:20 / 0 / "
        "2026-12-01T00:20:07+01:00"
    )
    assert call_values(parse_registered({}), {"now": "never"}, NOW)["now"] == "never"


def test_missing_names_are_listed_by_text() -> None:
    """Each text with variables that nobody fills is listed under its key."""
    form = parse_registered(
        {"systemPrompt": "{{a}}", "initialGreeting": "{{b}}{{c}}", "guardrails": "{{d|d('x')}}"}
    )
    found = fill_texts(form, {"a": 1}, NOW)
    assert found.missing == {"initialGreeting": ("b", "c")}
    assert (found.config.guardrails, found.config.system_prompt) == ("x", "1")


def test_texts_that_are_no_templates_are_known() -> None:
    """A warning names each of them with the reason; only real templates count as variables."""
    stray = parse_registered({"systemPrompt": "{{ a b }}", "initialGreeting": "Hi"})
    (warning,) = template_warnings(stray)
    why = "line 1: expected token 'end of print statement', got 'b'"
    assert warning == f"systemPrompt: is no template, so only plain names in it are filled: {why}"
    assert not has_variables(stray)
    assert has_variables(parse_registered({"guardrails": "{{ a }}"}))
    assert template_warnings(parse_registered({"systemPrompt": "{{ a }}"})) == []
