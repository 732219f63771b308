"""A session of the framework that speaks without a voice, for tests of what bounds a call."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from livekit.agents import (
    Agent,
    AgentSession,
    AgentStateChangedEvent,
    UserInputTranscribedEvent,
    UserStateChangedEvent,
)


class TalkingSession(AgentSession[None]):
    """Records what the agent says; each speech is over at once unless `is_stuck`."""

    def __init__(self) -> None:
        super().__init__()
        self.said: asyncio.Queue[str] = asyncio.Queue()
        self.is_stuck = False
        self.interrupted = 0
        self.agent = Agent(instructions="")
        self.linked = SimpleNamespace(identity="caller")
        self.replies: list[str] = []

    @property
    def tts(self) -> Any:
        """A voice."""
        return "a voice"

    @property
    def current_agent(self) -> Agent:
        """The agent."""
        return self.agent

    @property
    def room_io(self) -> Any:
        """The room input, linked to the caller."""
        return SimpleNamespace(linked_participant=self.linked)

    def say(self, text: Any, **_given: Any) -> Any:
        """Record the text."""
        self.said.put_nowait(text)
        return self

    def generate_reply(self, *, user_input: Any = None, **_given: Any) -> Any:
        """Record what the caller wrote."""
        self.replies.append(user_input)
        return self

    async def wait_for_playout(self) -> None:
        """Return when the speech is over."""
        if self.is_stuck:
            await asyncio.get_running_loop().create_future()

    def interrupt(self, *, force: bool = False) -> asyncio.Future[None]:
        """Count it."""
        del force
        self.interrupted += 1
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    def caller_is(self, state: str, before: str = "listening") -> None:
        """The caller starts or stops to speak."""
        event = UserStateChangedEvent(old_state=cast("Any", before), new_state=cast("Any", state))
        self.emit("user_state_changed", event)

    def agent_is(self, state: str, before: str = "listening") -> None:
        """The agent starts to speak, to listen or to think."""
        event = AgentStateChangedEvent(old_state=cast("Any", before), new_state=cast("Any", state))
        self.emit("agent_state_changed", event)

    def hears(self, text: str) -> None:
        """The caller's words are recognised."""
        event = UserInputTranscribedEvent(transcript=text, is_final=True)
        self.emit("user_input_transcribed", event)
