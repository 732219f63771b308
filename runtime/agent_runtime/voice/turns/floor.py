"""Who has the floor in a call: the caller, or the agent."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from livekit.agents import AgentSession, AgentStateChangedEvent

# Seconds of an answer within which no voice can come because of it: neither the caller's reaction nor the
# answer's own echo is that fast.
UNHEARD: Final = 0.1


class Floor:
    """Answers who has the floor, for the VAD filter, the backchannel filter and endpointing of one call.

    It is made before the AgentSession, which is built from those three; the floor is the caller's until
    `listen_to`. Each property reads the session's state when it is asked.
    """

    def __init__(self) -> None:
        self._session: AgentSession[Any] | None = None
        self._speaking_since = 0.0  # by the loop's clock
        # When a sound of the caller last stood out from the noise, by the loop's clock; None before the
        # first. A word that is spoken low may not stand out.
        self.last_sound_at: float | None = None

    def listen_to(self, session: AgentSession[Any]) -> None:
        """Follow what the agent of this session does."""
        self._session = session
        session.on("agent_state_changed", self._on_agent_state)

    @property
    def agent_has_floor(self) -> bool:
        """Whether the agent speaks, or pauses because of a voice and may go on."""
        if (session := self._session) is None or (speech := session.current_speech) is None:
            return False
        return not speech.interrupted and session.agent_state in ("speaking", "listening")

    @property
    def answer_is_due(self) -> bool:
        """Whether the caller's turn is over and nothing of the answer has been played yet."""
        if (session := self._session) is None or (speech := session.current_speech) is None:
            return False
        return not speech.interrupted and session.agent_state == "thinking"

    @property
    def answer_has_just_begun(self) -> bool:
        """Whether the answer began less than `UNHEARD` ago, so that the caller cannot have heard it."""
        if (session := self._session) is None or session.agent_state != "speaking":
            return False
        return asyncio.get_running_loop().time() - self._speaking_since < UNHEARD

    @property
    def answer_can_be_withdrawn(self) -> bool:
        """Whether an answer that may be interrupted is paused because of a voice, or not played yet."""
        if (session := self._session) is None or (speech := session.current_speech) is None:
            return False
        if speech.interrupted or not speech.allow_interruptions:
            return False
        return session.agent_state in ("listening", "thinking")

    def note_sound(self) -> None:
        """Record that a sound of the caller stands out now."""
        self.last_sound_at = asyncio.get_running_loop().time()

    def _on_agent_state(self, event: AgentStateChangedEvent) -> None:
        if event.new_state == "speaking":
            self._speaking_since = asyncio.get_running_loop().time()
