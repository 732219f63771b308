"""A caller who is silent: the agent asks whether they are there, then ends the call with a word."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from livekit.agents import (
    AgentSession,
    AgentStateChangedEvent,
    UserInputTranscribedEvent,
    UserStateChangedEvent,
)

from agent_runtime.agents.calls.phrases import Words
from agent_runtime.domain.session import CALLER_SILENT
from agent_runtime.voice.call.bounds.last_words import say_and_end, speak
from agent_runtime.voice.call.outcome import Outcome

logger = logging.getLogger(__name__)


class SilentCaller:
    """Asks after `timeout` seconds in which nobody speaks, `prompts` times; then ends the call.

    Only words of the caller count as an answer: a noise puts off the next question and no more. One timer
    runs at a time, and no event sets it anew: when it fires, it looks for how long it has been silent.
    """

    def __init__(
        self, timeout: float, prompts: int, words: Words, end: Callable[[str], None]
    ) -> None:
        self._timeout = timeout
        self._prompts = prompts
        self._words = words
        self._end = end
        self._session: AgentSession[Any] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._silent_since = 0.0  # by the loop's clock
        self._agent_is_busy = False
        self._caller_speaks = False
        self._asked = 0

    def listen_to(self, session: AgentSession[Any]) -> None:
        """Watch the session from now on."""
        self._session = session
        session.on("user_state_changed", self._on_caller)
        session.on("agent_state_changed", self._on_agent)
        session.on("user_input_transcribed", self._on_transcript)

    async def caller_arrived(self, _since: datetime | None) -> None:
        """Start to watch: before, nobody is there to speak."""
        self._heard()
        self._look_after(self._timeout)

    async def close(self, _outcome: Outcome, /) -> None:
        """Stop."""
        for one in (self._timer, self._task):
            if one is not None:
                one.cancel()

    def _on_caller(self, event: UserStateChangedEvent) -> None:
        self._caller_speaks = event.new_state == "speaking"
        if event.old_state == "speaking":
            self._heard()

    def _on_agent(self, event: AgentStateChangedEvent) -> None:
        self._agent_is_busy = event.new_state in ("speaking", "thinking")
        if event.old_state in ("speaking", "thinking"):
            self._heard()

    def _on_transcript(self, event: UserInputTranscribedEvent) -> None:
        if event.transcript.strip():
            self._asked = 0
            self._heard()

    def _heard(self) -> None:
        self._silent_since = asyncio.get_running_loop().time()

    def _look_after(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        if self._agent_is_busy or self._caller_speaks:
            self._heard()
        left = self._silent_since + self._timeout - asyncio.get_running_loop().time()
        if left > 0:
            self._look_after(left)
            return
        if self._session is None:
            return
        if self._asked >= self._prompts:
            logger.info("the caller was silent for %.0f s, the call ends", self._timeout)
            good_bye = say_and_end(
                self._session, self._words.silence_goodbye, CALLER_SILENT, self._end
            )
            self._task = asyncio.create_task(good_bye)
            return
        self._asked += 1
        self._heard()
        self._look_after(self._timeout)
        try:
            speak(self._session, self._words.still_there, interruptible=True)
        except RuntimeError as error:
            logger.warning("the caller is not asked whether they are there: %s", error)
