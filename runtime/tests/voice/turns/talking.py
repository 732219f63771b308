"""A session whose agent speaks, or does not, as the test wants it."""

from __future__ import annotations

import asyncio
from typing import Any

from livekit.agents import AgentSession, AgentStateChangedEvent, SpeechCreatedEvent
from livekit.agents.voice import SpeechHandle


class Talk(AgentSession[None]):
    """Has the speech and the agent's state that the test sets."""

    speech: SpeechHandle | None = None
    state: str = "listening"

    @property
    def current_speech(self) -> SpeechHandle | None:
        """The speech of the agent."""
        return self.speech

    @property
    def agent_state(self) -> Any:
        """The state of the agent."""
        return self.state

    def interrupt(self, *, force: bool = False) -> asyncio.Future[None]:
        """Interrupt the speech; it is done at once."""
        assert self.speech is not None
        self.speech.interrupt(force=force)
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    def speaks(self) -> SpeechHandle:
        """The agent begins to speak."""
        self.speech, self.state = SpeechHandle.create(), "speaking"
        event = SpeechCreatedEvent(speech_handle=self.speech, user_initiated=False, source="say")
        self.emit("speech_created", event)
        self.emit(
            "agent_state_changed",
            AgentStateChangedEvent(old_state="thinking", new_state="speaking"),
        )
        return self.speech
