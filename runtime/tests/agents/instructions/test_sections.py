"""The instructions are built from sections in one order."""

from __future__ import annotations

from datetime import UTC, datetime

from agent_runtime.agents import parse_registered
from agent_runtime.agents.instructions import Tool, instructions, sections_of

NOW = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)
FULL = parse_registered(
    {
        "systemPrompt": "You are Eve.",
        "speechGuidance": True,
        "timezone": "Asia/Tokyo",
        "guardrails": "Never promise a refund.",
        "initialContext": "The shop moved in May.",
    }
)
TOOLS = [Tool("end_call", "Ends the call."), Tool("search")]


def test_the_sections_have_one_order() -> None:
    """Prompt, conversation, speech, guardrails, tools, memory, context; only the first has no title."""
    titles = [one.title for one in sections_of(FULL, NOW, TOOLS, remembers=True)]
    assert titles == ["", "Conversation", "Speech", "Guardrails", "Tools", "Memory", "Context"]
    text = instructions(FULL, NOW, TOOLS, remembers=True)
    assert text.startswith("You are Eve.\n\n# Conversation\n")
    assert text.endswith("# Context\nThe shop moved in May.")
    assert "- end_call: Ends the call.\n- search\n" in text


def test_date_and_time_are_those_of_the_agents_zone() -> None:
    """Half past eleven in UTC is the next day in Tokyo."""
    assert "Thursday, 2 July 2026, 08:30 (Asia/Tokyo)" in instructions(FULL, NOW)


def test_without_sections_the_prompt_stays_as_it_is() -> None:
    """A registered agent's prompt is its systemPrompt, byte for byte."""
    assert instructions(parse_registered({"systemPrompt": " Hi.\n"}), NOW) == " Hi.\n"


def test_each_section_is_there_when_it_is_configured() -> None:
    """Guardrails alone bring the guardrails, and tools alone the tools."""
    config = parse_registered({"systemPrompt": "A", "guardrails": "B"})
    assert instructions(config, NOW) == "A\n\n# Guardrails\nB"
    assert [one.title for one in sections_of(parse_registered({}), NOW, TOOLS)] == ["", "Tools"]
