"""What was said, kept for the agent that may have to take the call over."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from livekit.agents import AgentSession, ChatContext, ConversationItemAddedEvent
from livekit.agents.llm import ChatMessage

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.domain.lease import Utterance
from agent_runtime.domain.ports.sessions import TranscriptStore

logger = logging.getLogger(__name__)

RETRY = 1.0  # seconds
_SPOKEN = ("user", "assistant")


class TranscriptWriter:
    """Writes each message as it is said; the audio loop never waits for it."""

    def __init__(self, session_id: str, transcripts: TranscriptStore) -> None:
        self._session_id = session_id
        self._transcripts = transcripts
        self._queue: asyncio.Queue[Utterance] = asyncio.Queue()
        self._task = asyncio.create_task(self._run())

    def listen_to(self, session: AgentSession[Any]) -> None:
        """Keep every message of the session from now on."""
        session.on("conversation_item_added", self._on_item)

    async def close(self, patience: float = 0.0) -> None:
        """Stop. What is unwritten after so many seconds is lost: a call that is over needs none."""
        try:
            async with asyncio.timeout(patience):
                await self._queue.join()
        except TimeoutError:
            if patience:
                logger.warning("%d or more utterances not kept", self._queue.qsize())
        self._task.cancel()
        await asyncio.wait([self._task])

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if isinstance(item, ChatMessage) and item.role in _SPOKEN and item.text_content:
            self._queue.put_nowait(Utterance(item.role, item.text_content))

    async def _run(self) -> None:
        while True:
            utterance = await self._queue.get()
            while not await self._kept(utterance):  # noqa: ASYNC110 - a database has no event
                await asyncio.sleep(RETRY)
            self._queue.task_done()

    async def _kept(self, utterance: Utterance) -> bool:
        """False when it is worth another try."""
        try:
            await self._transcripts.add(self._session_id, utterance)
        except StoreUnavailable as error:
            logger.warning("utterance not kept yet: %s", error)
            return False
        except Exception:
            # The database does not take this one; those after it are not to wait behind it.
            logger.exception("utterance not kept")
        return True


def as_context(said: list[Utterance]) -> ChatContext:
    """The conversation so far, as a model takes it."""
    context = ChatContext.empty()
    for utterance in said:
        context.add_message(role=utterance.role, content=utterance.text)  # type: ignore[arg-type]
    return context
