"""Calls that a machine answers, found by LiveKit's detection (AMD): they end with a reason of their own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from livekit.agents import NOT_GIVEN, AgentSession

from agent_runtime.domain.session import NO_ANSWER, VOICEMAIL
from agent_runtime.voice.call.bounds.last_words import say_and_end
from agent_runtime.voice.call.companions.silence_watchdog import SilenceWatchdog
from agent_runtime.voice.call.outcome import Outcome

logger = logging.getLogger(__name__)

# Seconds that the detection may take, since a person waits for the agent; more only while somebody speaks.
WITHIN: Final = 6.0
LONGEST: Final = 30.0


class VoicemailDetection:
    """Listens to who answers before the agent speaks. A person, or a menu of keys, gets the agent."""

    def __init__(
        self, message: str | None, watchdog: SilenceWatchdog, end: Callable[[str], None]
    ) -> None:
        self._message = message
        self._watchdog = watchdog
        self._end = end
        self._session: AgentSession[Any] | None = None

    def listen_to(self, session: AgentSession[Any]) -> None:
        """Remember the session."""
        self._session = session

    async def caller_arrived(self, since: datetime | None) -> None:
        """Return when a person may be there; else end the call. A call that continues has a person."""
        session = self._session
        if session is None or since is not None:
            return
        self._watchdog.suspend()  # the first words need no answer until it is known whose they are
        try:
            category = await self._detect(session)
        finally:
            self._watchdog.resume()
        if category == "machine-vm":
            await say_and_end(session, self._message, VOICEMAIL, self._end)
        elif category == "machine-unavailable":
            await say_and_end(session, None, NO_ANSWER, self._end)

    async def close(self, _outcome: Outcome, /) -> None:
        """Nothing is left."""

    async def _detect(self, session: AgentSession[Any]) -> str:
        # Loaded where it is wanted: its prompts and classes cost a plain call nothing.
        from livekit.agents.voice.amd import AMD

        linked = session.room_io.linked_participant
        detector = AMD(
            session,
            llm=None,  # the session's own, like the recognition
            stt=None,
            ivr_detection=False,
            suppress_compatibility_warning=True,
            detection_options={"timeout": WITHIN, "no_speech_threshold": WITHIN / 2},
            participant_identity=NOT_GIVEN if linked is None else linked.identity,
        )
        try:
            async with asyncio.timeout(LONGEST), detector:
                found = await detector.execute()
        except (TimeoutError, RuntimeError) as error:
            logger.warning("not known whether a machine answers: %s", str(error) or "too slow")
            return "uncertain"
        logger.info("answered by: %s (%s)", found.category.value, found.reason)
        return found.category.value
