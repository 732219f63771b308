"""The texts of a call's agent hold the variables of its job."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from agent_runtime.agents import AgentConfig, parse_registered
from agent_runtime.domain.callers.privacy import PrivacyTier
from agent_runtime.domain.errors import InvalidAgentConfig
from agent_runtime.voice.call.preparation import tier_of, with_instructions

NOW = datetime(2026, 11, 30, 16, 20, tzinfo=UTC)


def prepared(config: AgentConfig, **variables: Any) -> AgentConfig:
    """The configuration of a call with these variables of the job."""
    return with_instructions(config, variables, NOW)


def test_prompt_and_greeting_are_filled() -> None:
    """The name that create takes stands in prompt, greeting and instructions for it."""
    config = parse_registered(
        {
            "systemPrompt": "You talk to {{participantName}}.",
            "initialGreeting": "Hello {{participantName}}, this is {{company}}.",
            "greetingInstructions": "Greet {{participantName}}.",
        }
    )
    filled = prepared(config, participantName="Ada", company="Acme")
    assert filled.system_prompt == "You talk to Ada."
    assert filled.greeting == "Hello Ada, this is Acme."
    assert filled.greeting_instructions == "Greet Ada."
    assert prepared(config).greeting == "Hello, this is."
    assert filled.stt == config.stt


def test_a_greeting_of_variables_without_values_is_none() -> None:
    """An agent whose greeting is a variable that nobody has set does not greet."""
    assert prepared(parse_registered({"initialGreeting": "{{greeting}}"})).greeting is None


def test_what_has_no_value_is_logged_and_values_are_not(caplog: pytest.LogCaptureFixture) -> None:
    """The log names the variables without a value, and holds none of the values of others."""
    config = parse_registered({"systemPrompt": "{{secret}} {{b}} {{a}} {{a}}"})
    with caplog.at_level(logging.DEBUG):
        prepared(config, variables={"secret": "4711"})
    assert caplog.messages == ["no value for a, b: left out"]


def test_a_plain_agent_is_as_it_was_registered() -> None:
    """A prompt without variables and sections reaches the model unchanged, braces of JSON included."""
    text = 'Answer as {"a": {"b": 1}}.  \n'
    assert prepared(parse_registered({"systemPrompt": text})).system_prompt == text


def test_a_text_that_is_no_template_keeps_what_it_had() -> None:
    """Stray braces do not stop a call: plain names in the text are filled, as earlier versions did."""
    config = parse_registered({"systemPrompt": "Use {{ for {{participantName}} {% x."})
    assert prepared(config, participantName="Ada").system_prompt == "Use {{ for Ada {% x."


def test_a_template_that_runs_away_refuses_the_call() -> None:
    """The refusal names the text and the reason."""
    config = parse_registered(
        {"systemPrompt": "{% for a in l %}{% for b in l %}x{% endfor %}{% endfor %}"}
    )
    with pytest.raises(InvalidAgentConfig, match="systemPrompt: the template takes too long"):
        prepared(config, variables={"l": ["x"] * 1000})


def test_the_prompt_has_the_agents_sections() -> None:
    """Guardrails, context and speech follow the prompt, with their variables filled."""
    config = parse_registered(
        {
            "systemPrompt": "Be kind.",
            "guardrails": "No advice to {{participantName}}.",
            "initialContext": "{{weekday}}",
            "speechGuidance": True,
            "timezone": "Europe/Berlin",
        }
    )
    prompt = prepared(config, participantName="Ada", weekday="today").system_prompt
    parts = [part.partition("\n") for part in prompt.split("\n\n")]
    assert [title for title, _, _ in parts] == [
        "Be kind.",
        "# Conversation",
        "# Speech",
        "# Guardrails",
        "# Context",
    ]
    assert "Monday, 30 November 2026, 17:20 (Europe/Berlin)" in prompt
    assert (parts[3][2], parts[4][2]) == ("No advice to Ada.", "today")


def test_tier_of_the_agent_comes_before_that_of_the_setting() -> None:
    """The configuration names the tier in any letter case; without one the setting does."""
    context = cast("Any", SimpleNamespace(settings=SimpleNamespace(privacy=PrivacyTier.REDACTED)))
    assert tier_of(parse_registered({"privacy": " None "}), context) is PrivacyTier.NONE
    for unset in ({}, {"privacy": None}, {"privacy": ""}):
        assert tier_of(parse_registered(unset), context) is PrivacyTier.REDACTED
