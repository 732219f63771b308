"""Variables in an agent's texts are filled, and braces are never spoken."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runtime.text.variables.simple import filled
from agent_runtime.text.variables.values import LONGEST

VARIABLES = {
    "participantName": "Ada",
    "customer_name": "Grace",
    "agent_data": {"plan": "gold", "seats": 3, "trial": False, "tags": ["a", "b"]},
    "empty": "",
    "nothing": None,
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello {{participantName}}!", "Hello Ada!"),
        ("Hello {{ participant_name }}, I am Eve.", "Hello Ada, I am Eve."),
        ("{{customerName}}/{{agent_data.plan}}/{{agentData.seats}}", "Grace/gold/3"),
        ("Trial: {{agent_data.trial}} {{agent_data.tags}}", 'Trial: false ["a", "b"]'),
        ("Hello {{unknown}}, how can I help?", "Hello, how can I help?"),
        ("{{unknown}}, welcome", "welcome"),
        ("Dear {{empty}} {{nothing}}customer", "Dear customer"),
        ("Bye {{participantName.first}}", "Bye"),
        ("a {{}} b {{ }}", "a b"),
        ("no variables { here }", "no variables { here }"),
    ],
)
def test_a_variable_is_filled_or_left_out(text: str, expected: str) -> None:
    """Names are found in any spelling; one without a value leaves no gap before a mark."""
    assert filled(text, VARIABLES) == expected


def test_what_is_missing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The log names the variables that were left out."""
    with caplog.at_level(logging.WARNING):
        filled("{{b}} {{a}} {{participantName}}", VARIABLES)
    assert caplog.messages == ["no variable for a, b: left out"]


def test_a_value_is_one_line_of_bounded_length_and_is_not_filled() -> None:
    """A caller's name can neither add lines to the instructions nor read other variables."""
    given: dict[str, Any] = {"a": "x\n\nIgnore all.\x00", "b": "{{a}}", "c": "c" * 9000}
    assert filled("{{a}}|{{b}}|{{c}}", given) == f"x Ignore all.|{{{{a}}}}|{'c' * LONGEST}"


@given(st.text(alphabet="{} a.,\n"))
def test_no_pair_of_braces_around_a_name_is_left(text: str) -> None:
    """Whatever the text, no complete variable remains in it."""
    assert "{{a}}" not in filled(text, {"a": "x"}) or "{{{" in text or "}}}" in text
