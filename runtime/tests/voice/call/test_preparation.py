"""The texts of a call's agent hold the variables of its job."""

from __future__ import annotations

from agent_runtime.agents import parse_registered
from agent_runtime.voice.call.preparation import with_variables


def test_prompt_and_greeting_are_filled() -> None:
    """The name that create takes stands in prompt, greeting and instructions for it."""
    config = parse_registered(
        {
            "systemPrompt": "You talk to {{participantName}}.",
            "initialGreeting": "Hello {{participantName}}, this is {{company}}.",
            "greetingInstructions": "Greet {{participantName}}.",
        }
    )
    filled = with_variables(config, {"participantName": "Ada", "company": "Acme"})
    assert filled.system_prompt == "You talk to Ada."
    assert filled.greeting == "Hello Ada, this is Acme."
    assert filled.greeting_instructions == "Greet Ada."
    assert with_variables(config, {}).greeting == "Hello, this is."
    assert filled.stt == config.stt


def test_a_greeting_of_variables_without_values_is_none() -> None:
    """An agent whose greeting is a variable that nobody has set does not greet."""
    assert (
        with_variables(parse_registered({"initialGreeting": "{{greeting}}"}), {}).greeting is None
    )
