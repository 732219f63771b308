"""The package's templates: each is valid, fills without any value, and takes those that it names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import pytest

from agent_runtime.agents import AgentConfig, parse_registered
from agent_runtime.agents.checks.effects import without_effect
from agent_runtime.agents.instructions import fill_texts, instructions, template_warnings
from agent_runtime.agents.templates import BUILT_IN, Templates

NAMES: Final = [file.stem for file in sorted(BUILT_IN.glob("*.json"))]
NOON: Final = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
# Values for each template, and what a caller then hears or the model reads.
GIVEN: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "receptionist": ({"facts": ["We have parking."]}, "- We have parking.\n"),
    "survey": (
        {"questions": [{"text": "Was it warm?", "type": "rating", "maximum": 3}]},
        "1. Was it warm? (a number from 1 to 3)\n",
    ),
    "sales": ({"offers": [{"name": "Basic", "price": "9 euros"}]}, "- Basic, 9 euros\n"),
    "support": (
        {"known_problems": [{"problem": "No light", "solution": "Plug it in"}]},
        "- No light: Plug it in\n",
    ),
    "appointment": ({"free_times": ["Tuesday at nine"]}, "- Tuesday at nine\n"),
    "lead-qualification": ({"criteria": ["the size of the roof"]}, "- the size of the roof\n"),
    "collections-reminder": (
        {"amount": "30 euros", "due_date": "1 May"},
        "30 euros, due on 1 May, is still open",
    ),
    "concierge": ({"recommendations": [{"name": "The Harbour"}]}, "- The Harbour\n"),
}


def called(name: str, **values: Any) -> AgentConfig:
    """The configuration of a call with an agent that only extends the template."""
    config = parse_registered(Templates().resolved({"extends": name}))
    filled = fill_texts(config, {"variables": values}, NOON)
    assert filled.missing == {}
    prompt = instructions(filled.config, NOON)
    return filled.config.model_copy(update={"system_prompt": prompt})


def test_there_are_eight() -> None:
    """Each has values below, so that no template is forgotten."""
    assert set(NAMES) == GIVEN.keys()
    assert Templates().names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_is_valid_and_needs_no_value(name: str) -> None:
    """No key is without effect, every text is a template, and no braces or empty gaps are left."""
    document = Templates().resolved({"extends": name})
    assert without_effect(document) == []
    assert template_warnings(parse_registered(document)) == []
    config = called(name)
    for text in (config.system_prompt, config.greeting, config.guardrails):
        assert text
        assert not {"{", "}"} & set(text)
        assert "  " not in text
        assert " ," not in text
    assert "# Guardrails\n" in config.system_prompt
    assert "# Speech\n" in config.system_prompt


@pytest.mark.parametrize("name", NAMES)
def test_each_takes_the_values_of_a_call(name: str) -> None:
    """Company, caller and the template's own lists stand in the texts."""
    values, expected = GIVEN[name]
    plain = called(name)
    config = called(name, company="Acme", **values)
    assert expected in f"{config.system_prompt}\n"
    assert expected not in f"{plain.system_prompt}\n"
    assert "Acme" in f"{config.greeting}"
    assert "our company" not in config.system_prompt


@pytest.mark.parametrize(
    ("hour", "part"), [(0, "morning"), (11, "morning"), (12, "afternoon"), (23, "evening")]
)
def test_the_concierge_greets_by_the_time_of_day(hour: int, part: str) -> None:
    """The greeting follows the agent's own clock."""
    config = parse_registered(Templates().resolved({"extends": "concierge"}))
    filled = fill_texts(config, {}, NOON.replace(hour=hour)).config
    assert f"{filled.greeting}".startswith(f"Good {part}, this is")
