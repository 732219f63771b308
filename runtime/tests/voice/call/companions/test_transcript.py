"""The transcript is kept for the next agent."""

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
from agent_runtime.domain.session import SessionStatus
from agent_runtime.voice.call.companions import transcript as module
from agent_runtime.voice.call.companions.transcript import TranscriptWriter
from agent_runtime.voice.call.outcome import Outcome

ENDED = Outcome(SessionStatus.ENDED, "the caller left")
HANDED_BACK = Outcome(None, "lost")


class Kept:
    """A store that fails with the test's errors, one by one, and then keeps each text."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []
        self.texts: list[str] = []
        self.sealed: list[bool] = []
        self.may_write = asyncio.Event()
        self.may_write.set()

    async def add(self, _session_id: str, utterance: Utterance, *, sealed: bool = False) -> None:
        """Keep the text, or fail."""
        await self.may_write.wait()
        if self.errors:
            raise self.errors.pop(0)
        self.texts.append(utterance.text)
        self.sealed.append(sealed)


class Scene:
    """A conversation with its writer."""

    def __init__(self) -> None:
        self.session = AgentSession[None]()
        self.kept = Kept()
        self.writer = TranscriptWriter("abc", cast("TranscriptStore", self.kept))
        self.writer.listen_to(self.session)

    def says(self, *texts: Any) -> None:
        """The agent says each text."""
        for text in texts:
            item = ChatMessage(role="assistant", content=[text])
            event = ConversationItemAddedEvent(item=item)
            self.session.emit("conversation_item_added", event)


@pytest.fixture
async def scene(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    """A conversation whose writer does not pause between attempts."""
    monkeypatch.setattr(module, "RETRY", 0.0)
    made = Scene()
    yield made
    await made.writer.close(ENDED)


async def test_messages_are_kept_when_the_database_is_back(scene: Scene) -> None:
    """Messages that come while the database is unavailable are written later, in their order."""
    scene.kept.errors = [StoreUnavailable("away")] * 3
    scene.says("one", "two")
    await asyncio.sleep(0.05)
    assert scene.kept.texts == ["one", "two"]


async def test_a_message_that_the_database_rejects_does_not_hold_up_the_others(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """A rejected message is logged with its error, and the next one is written."""
    scene.kept.errors = [ValueError("not text")]
    scene.says("one", "two")
    await asyncio.sleep(0.05)
    assert scene.kept.texts == ["two"]
    assert "ValueError: not text" in caplog.text


async def test_the_last_words_reach_the_agent_that_continues(scene: Scene) -> None:
    """A call that is handed back waits for its pending messages, and no longer than they take."""
    scene.kept.may_write.clear()
    scene.says("one", "two")
    asyncio.get_running_loop().call_later(0.05, scene.kept.may_write.set)
    async with asyncio.timeout(module.FLUSH_TIMEOUT / 2):
        await scene.writer.close(HANDED_BACK)
    assert scene.kept.texts == ["one", "two"]


async def test_the_wait_for_pending_messages_is_bounded(
    scene: Scene, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that hangs keeps no session from its next agent; the log says that messages are lost."""
    monkeypatch.setattr(module, "FLUSH_TIMEOUT", 0.05)
    scene.kept.may_write.clear()
    scene.says("one")
    async with asyncio.timeout(1):
        await scene.writer.close(HANDED_BACK)
    assert "transcript messages not written" in caplog.text


async def test_a_finished_call_waits_for_no_message(scene: Scene) -> None:
    """A call that ended for good drops its pending messages: its transcript is deleted anyway."""
    scene.kept.may_write.clear()
    scene.says("one")
    async with asyncio.timeout(0.05):
        await scene.writer.close(ENDED)
    assert scene.kept.texts == []


@pytest.mark.parametrize("sealed", [False, True])
async def test_messages_are_sealed_where_the_tier_wants_it(sealed: bool) -> None:
    """Every message is written sealed, or none is."""
    kept, session = Kept(), AgentSession[None]()
    writer = TranscriptWriter("abc", cast("TranscriptStore", kept), sealed=sealed)
    writer.listen_to(session)
    for _ in range(2):
        item = ChatMessage(role="user", content=["Hello"])
        session.emit("conversation_item_added", ConversationItemAddedEvent(item=item))
    await writer.close(HANDED_BACK)
    assert kept.sealed == [sealed, sealed]
