"""What was said is kept for the next agent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from livekit.agents import AgentSession, ConversationItemAddedEvent
from livekit.agents.llm import ChatMessage

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.domain.lease import Utterance
from agent_runtime.domain.ports.sessions import TranscriptStore
from agent_runtime.voice.call.companions import transcript as module
from agent_runtime.voice.call.companions.transcript import TranscriptWriter


class Kept:
    """A database that answers each write by a list; then it takes what comes."""

    def __init__(self) -> None:
        self.answers: list[Exception] = []
        self.texts: list[str] = []
        self.may_write = asyncio.Event()
        self.may_write.set()

    async def add(self, _session_id: str, utterance: Utterance) -> None:
        """Of the store."""
        await self.may_write.wait()
        if self.answers:
            raise self.answers.pop(0)
        self.texts.append(utterance.text)


class Scene:
    """A conversation that is kept."""

    def __init__(self) -> None:
        self.session = AgentSession[None]()
        self.kept = Kept()
        self.memory = TranscriptWriter("abc", cast("TranscriptStore", self.kept))
        self.memory.listen_to(self.session)

    def says(self, *texts: Any) -> None:
        """The agent, each by itself."""
        for text in texts:
            item = ChatMessage(role="assistant", content=[text])
            event = ConversationItemAddedEvent(item=item)
            self.session.emit("conversation_item_added", event)


@pytest.fixture
async def scene(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    """One that loses no time."""
    monkeypatch.setattr(module, "RETRY", 0.0)
    made = Scene()
    yield made
    await made.memory.close()


async def test_what_is_said_is_kept_when_the_database_is_back(scene: Scene) -> None:
    """In its order."""
    scene.kept.answers = [StoreUnavailable("away")] * 3
    scene.says("one", "two")
    await asyncio.sleep(0.05)
    assert scene.kept.texts == ["one", "two"]


async def test_one_that_the_database_does_not_take_does_not_hold_the_others(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """It is in the log, with what was wrong."""
    scene.kept.answers = [ValueError("not text")]
    scene.says("one", "two")
    await asyncio.sleep(0.05)
    assert scene.kept.texts == ["two"]
    assert "ValueError: not text" in caplog.text


async def test_the_last_words_reach_the_agent_that_goes_on(scene: Scene) -> None:
    """Although they are said as the call is given back."""
    scene.says("one", "two")
    async with asyncio.timeout(1):
        await scene.memory.close(5.0)  # it does not last longer than it must
    assert scene.kept.texts == ["one", "two"]


async def test_nobody_waits_long_for_last_words(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """A database that is away keeps no session from its next agent."""
    scene.kept.may_write.clear()
    scene.says("one")
    async with asyncio.timeout(1):
        await scene.memory.close(0.05)
    assert "utterances not kept" in caplog.text


async def test_a_call_that_is_over_waits_for_nothing(scene: Scene) -> None:
    """Its words are deleted with its end."""
    scene.kept.may_write.clear()
    scene.says("one")
    async with asyncio.timeout(0.05):
        await scene.memory.close()
    assert scene.kept.texts == []
