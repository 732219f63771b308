"""A conversation in text with an agent of each built-in template: greeting, prompt and answers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

import pytest
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    AgentSession,
    APIConnectOptions,
    ChatContext,
    llm,
)

from agent_runtime.agents import AgentConfig, parse_registered
from agent_runtime.agents.profiles import PACES
from agent_runtime.agents.sections import Profile
from agent_runtime.agents.templates import Templates
from agent_runtime.voice.call.greeting import greet
from agent_runtime.voice.call.preparation import with_instructions
from agent_runtime.voice.pipeline.session import ConfiguredAgent
from agent_runtime.voice.turns.floor import Floor

EVENING: Final = datetime(2026, 11, 30, 19, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Scenario:
    """What create gives, what the caller then hears first, what the model reads, and the turns after."""

    values: dict[str, Any]
    greeting: str
    prompt: str
    turns: tuple[tuple[str, str], ...]


SCENARIOS: Final = {
    "receptionist": Scenario(
        {"company": "Acme", "facts": ["The lift is broken."]},
        "Hello, this is Acme. How can I help you?",
        "- The lift is broken.",
        (("Is the lift working?", "I am sorry, it is not."),),
    ),
    "survey": Scenario(
        {"company": "Acme", "customer_name": "Ada", "questions": [{"text": "Was it warm?"}]},
        "Hello Ada, I am calling for Acme. Do you have two minutes for 1 short questions?",
        "1. Was it warm?",
        (("Yes.", "Was it warm?"), ("It was.", "Thank you, and good-bye.")),
    ),
    "sales": Scenario(
        {"company": "Acme", "offers": [{"name": "Basic", "price": "9 euros"}]},
        "Hello, thank you for your interest in Acme. What are you looking for?",
        "- Basic, 9 euros",
        (("Something small.", "Basic may fit: it is nine euros."),),
    ),
    "support": Scenario(
        {"company": "Acme", "product": "the Acme lamp"},
        "Hello, this is the support of Acme. What can I do for you?",
        "You are the support of Acme for the Acme lamp.",
        (("It is dark.", "Since when is the lamp dark?"), ("Today.", "Is it plugged in?")),
    ),
    "appointment": Scenario(
        {"company": "Acme", "free_times": ["Tuesday at nine"]},
        "Hello, this is Acme. Would you like to make an appointment?",
        "It is Monday, 30 November 2026.",
        (("Yes, on Tuesday.", "Nine o'clock is free. May I have your name?"),),
    ),
    "lead-qualification": Scenario(
        {"company": "Acme", "criteria": ["the size of the roof"]},
        "Hello, this is Acme. You asked about us: is this a good moment for a few questions?",
        "- the size of the roof",
        (("Yes.", "How large is your roof?"),),
    ),
    "collections-reminder": Scenario(
        {"company": "Acme", "customer_name": "Ada Byron", "amount": "30 euros"},
        "Hello, this is Acme. Am I speaking with Ada Byron?",
        "2. Then say that 30 euros is still open.",
        (("Yes.", "Thirty euros are still open."), ("I paid.", "Thank you. When was that?")),
    ),
    "concierge": Scenario(
        {"company": "the Grand", "recommendations": [{"name": "The Harbour"}]},
        "Good evening, this is the concierge of the Grand. What may I do for you?",
        "- The Harbour",
        (("Where can I eat?", "I recommend the Harbour."),),
    ),
}


class ScriptedModel(llm.LLM):
    """Answers each turn by the script, and keeps the instructions that it read."""

    def __init__(self, script: dict[str, str]) -> None:
        super().__init__()
        self._script = script
        self.read: list[str] = []

    def chat(
        self,
        *,
        chat_ctx: ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        **_: Any,
    ) -> llm.LLMStream:
        """Answer what the caller said last."""
        messages = [(one.role, one.text_content or "") for one in chat_ctx.messages()]
        self.read += [text for role, text in messages if role == "system"]
        said = next(text for role, text in reversed(messages) if role == "user")
        return _Answer(
            self,
            self._script[said],
            chat_ctx=chat_ctx,
            tools=tools or [],
            conn_options=conn_options,
        )


class _Answer(llm.LLMStream):
    def __init__(self, model: llm.LLM, text: str, **given: Any) -> None:
        super().__init__(model, **given)
        self._text = text

    async def _run(self) -> None:
        delta = llm.ChoiceDelta(role="assistant", content=self._text)
        self._event_ch.send_nowait(llm.ChatChunk(id="1", delta=delta))


class NoWatch:
    """A watchdog that never acts."""

    def expect_speech(self) -> None:
        """Speech is expected."""


def called(template: str, scenario: Scenario) -> AgentConfig:
    """The configuration of a call that a create has begun with the scenario's values."""
    config = parse_registered(Templates().resolved({"extends": template}))
    return with_instructions(config, {"variables": scenario.values}, EVENING)


@pytest.mark.parametrize("template", SCENARIOS)
async def test_a_conversation(template: str) -> None:
    """The agent greets, the model reads the filled prompt with its sections, and each answer is heard."""
    scenario = SCENARIOS[template]
    config = called(template, scenario)
    model = ScriptedModel(dict(scenario.turns))
    session: AgentSession[None] = AgentSession(llm=model)
    pace = PACES[Profile.BALANCED]
    greeted = asyncio.Event()
    session.on(
        "conversation_item_added",
        lambda added: greeted.set() if getattr(added.item, "role", "") == "assistant" else None,
    )
    async with asyncio.timeout(20):
        await session.start(ConfiguredAgent(config, pace, ChatContext(), session, Floor()))
        greet(session, config, [], cast("Any", NoWatch()))
        await greeted.wait()
        for said, answer in scenario.turns:
            heard = await session.run(user_input=said)
            heard.expect.next_event().is_message(role="assistant")
            assert session.history.messages()[-1].text_content == answer
        texts = [one.text_content for one in session.history.messages()]
        await session.aclose()
    assert texts[0] == scenario.greeting
    assert texts[1:] == [text for turn in scenario.turns for text in turn]
    assert len(model.read) == len(scenario.turns)
    for prompt in model.read:
        assert scenario.prompt in prompt
        assert "# Guardrails\n" in prompt
        assert "It is Monday, 30 November 2026, 19:00 (UTC)" in prompt
