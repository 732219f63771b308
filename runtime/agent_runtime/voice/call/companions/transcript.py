"""The transcript of a live session, kept for the agent that may have to continue the call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

from livekit.agents import AgentSession, ChatContext, ConversationItemAddedEvent
from livekit.agents.llm import ChatMessage

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.domain.lease import Utterance
from agent_runtime.domain.ports.sessions import TranscriptStore
from agent_runtime.voice.call.outcome import Outcome

logger = logging.getLogger(__name__)

# Seconds between attempts to write a message.
RETRY: Final = 1.0
# Seconds that the last messages may take to reach the database, for the job that continues the call. Until
# then the session waits for its next agent.
FLUSH_TIMEOUT: Final = 1.0
_ROLES: Final = ("user", "assistant")


class TranscriptWriter:
    """Writes each message when it is complete; the audio loop never waits for the database."""

    def __init__(
        self, session_id: str, transcripts: TranscriptStore, *, sealed: bool = False
    ) -> None:
        """With `sealed`, only an agent that continues this session can read the messages."""
        self._sealed = sealed
        self._session_id = session_id
        self._transcripts = transcripts
        self._queue: asyncio.Queue[Utterance] = asyncio.Queue()
        self._task = asyncio.create_task(self._run())

    def listen_to(self, session: AgentSession[Any]) -> None:
        """Keep every message of the session from now on."""
        session.on("conversation_item_added", self._on_item)

    async def close(self, outcome: Outcome, /) -> None:
        """Stop. Waits for pending messages if the call is handed back; a finished call needs none."""
        try:
            async with asyncio.timeout(FLUSH_TIMEOUT if outcome.is_handed_back else 0.0):
                await self._queue.join()
        except TimeoutError:
            if outcome.is_handed_back:
                logger.warning("%d or more transcript messages not written", self._queue.qsize())
        self._task.cancel()
        await asyncio.wait([self._task])

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if isinstance(item, ChatMessage) and item.role in _ROLES and item.text_content:
            self._queue.put_nowait(Utterance(item.role, item.text_content))

    async def _run(self) -> None:
        while True:
            utterance = await self._queue.get()
            while not await self._write(utterance):  # noqa: ASYNC110 - a database has no event
                await asyncio.sleep(RETRY)
            self._queue.task_done()

    async def _write(self, utterance: Utterance) -> bool:
        """Write the message; False if the write should be retried."""
        try:
            await self._transcripts.add(self._session_id, utterance, sealed=self._sealed)
        except StoreUnavailable as error:
            logger.warning("transcript message not written, retrying: %s", error)
            return False
        except Exception:
            # The database rejects this message; those after it must not wait behind it.
            logger.exception("transcript message not written")
        return True


def chat_context(transcript: Sequence[Utterance]) -> ChatContext:
    """The transcript in the form that a language model takes."""
    context = ChatContext.empty()
    for utterance in transcript:
        context.add_message(role=utterance.role, content=utterance.text)  # type: ignore[arg-type]
    return context
