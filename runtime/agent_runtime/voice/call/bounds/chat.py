"""Texts that the caller writes (topic `lk.chat`), bounded in size and rate."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from livekit import rtc
from livekit.agents import AgentSession
from livekit.agents.types import TOPIC_CHAT

from agent_runtime.voice.call.outcome import Outcome

logger = logging.getLogger(__name__)

# Bytes of one text, in UTF-8: a page of writing. More is not read.
MAX_BYTES: Final = 4000
# Texts that a caller may send at once, and seconds after which one more is allowed.
BURST: Final = 5
PAUSE: Final = 3.0
# Seconds that a text may take to arrive.
ARRIVAL: Final = 5.0


class Chat:
    """Answers the texts of the caller whom the agent listens to; those of others are not read."""

    def __init__(self, room: rtc.Room) -> None:
        self._room = room
        self._session: AgentSession[Any] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._allowed = float(BURST)
        self._counted_at = 0.0
        self._is_logged = False

    def listen_to(self, session: AgentSession[Any]) -> None:
        """Read texts from now on."""
        self._session = session
        self._counted_at = asyncio.get_running_loop().time()
        self._room.register_text_stream_handler(TOPIC_CHAT, self._on_text)

    async def close(self, _outcome: Outcome, /) -> None:
        """Read none any more."""
        self._room.unregister_text_stream_handler(TOPIC_CHAT)
        for task in self._tasks:
            task.cancel()

    def _on_text(self, reader: rtc.TextStreamReader, identity: str) -> None:
        session = self._session
        if session is None or identity != _caller_of(session):
            reader.close()
        elif not self._may_send() or (reader.info.size or 0) > MAX_BYTES:
            reader.close()
            self._log_refused(identity)
        else:
            task = asyncio.create_task(self._answer(session, reader, identity))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _may_send(self) -> bool:
        now = asyncio.get_running_loop().time()
        self._allowed = min(BURST, self._allowed + (now - self._counted_at) / PAUSE)
        self._counted_at = now
        if self._allowed < 1:
            return False
        self._allowed -= 1
        return True

    async def _answer(
        self, session: AgentSession[Any], reader: rtc.TextStreamReader, identity: str
    ) -> None:
        text = ""
        try:
            async with asyncio.timeout(ARRIVAL):
                async for piece in reader:
                    text += piece
                    if len(text.encode()) > MAX_BYTES:
                        self._log_refused(identity)
                        return
            if text.strip():
                session.interrupt()
                session.generate_reply(user_input=text.strip())
        except (TimeoutError, ConnectionError) as error:
            logger.warning("a text of the caller did not arrive: %s", str(error) or "too slow")
        except RuntimeError as error:
            logger.warning("a text of the caller is not answered: %s", error)
        finally:
            reader.close()

    def _log_refused(self, identity: str) -> None:
        if not self._is_logged:
            self._is_logged = True
            logger.warning(
                "the caller writes too much: at most %d bytes at once, a text every %.0f s",
                MAX_BYTES,
                PAUSE,
                extra={"participant": identity},
            )


def _caller_of(session: AgentSession[Any]) -> str | None:
    """The identity of the participant whom the agent listens to."""
    linked = session.room_io.linked_participant
    return None if linked is None else linked.identity
