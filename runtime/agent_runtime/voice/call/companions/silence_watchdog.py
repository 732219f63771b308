"""Keeps a caller from waiting in silence when a provider fails.

After the caller has spoken, or the greeting is due, the agent must be heard within a bound; otherwise an
apology is played that needs no provider, and the caller is asked to say it again. A provider that
refuses us for good (a wrong key), or fails again and again, ends the call with a farewell.

Nothing is owed while the agent is heard. What a caller says over its words may be meant for nobody, or be
ignored as the agent's configuration wants it; an answer is due once the agent sets out to give one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

from livekit.agents import (
    AgentSession,
    AgentStateChangedEvent,
    APIStatusError,
    ErrorEvent,
    UserStateChangedEvent,
)

from agent_runtime.voice.call.companions.fallback_clips import Clip, farewell, repeat

logger = logging.getLogger(__name__)

# Noise is shorter than words; nobody apologises to a cough.
SHORTEST_SPEECH: Final = 0.4  # seconds
# So many apologies without a word of the agent's own in between, and the call ends.
MOST_APOLOGIES: Final = 2
_FOR_GOOD: Final = frozenset({401, 402, 403, 404})  # a key, a bill, a model: retries do not help
_STAGES: Final = {"stt_error": "STT", "llm_error": "LLM", "tts_error": "TTS"}


class SilenceWatchdog:
    """Listens to a session; `give_up(reason)` ends the call after the farewell."""

    def __init__(self, silence: float, give_up: Callable[[str], None]) -> None:
        self._silence = silence
        self._give_up = give_up
        self._session: AgentSession[Any] | None = None
        self._timer: asyncio.TimerHandle | None = None
        # By the loop's clock: what was awaited when a sound came.
        self._due_at: float | None = None
        self._spoke_since: float | None = None
        self._is_heard = False
        self._apologies = 0
        self._last_error = "no answer"
        self._clip: asyncio.Task[None] | None = None
        self._over = False

    def listen_to(self, session: AgentSession[Any]) -> None:
        """Watch over the session from now on."""
        self._session = session
        session.on("user_state_changed", self._on_user)
        session.on("agent_state_changed", self._on_agent)
        session.on("error", self._on_error)

    def expect_speech(self) -> None:
        """The agent is to be heard within the bound: its greeting, its answer."""
        if self._silence and not self._is_heard:
            self._wait_until(asyncio.get_running_loop().time() + self._silence)

    def close(self) -> None:
        """The call is over."""
        self._over = True
        self._stop_waiting()
        if self._clip is not None:
            self._clip.cancel()

    def _wait_until(self, moment: float) -> None:
        self._stop_waiting()
        if not self._over:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(moment, self._too_silent)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_user(self, event: UserStateChangedEvent) -> None:
        now = asyncio.get_running_loop().time()
        if event.new_state == "speaking":
            self._spoke_since = now
            self._due_at = None if self._timer is None else self._timer.when()
            self._stop_waiting()
        elif event.old_state == "speaking" and self._spoke_since is not None:
            if now - self._spoke_since >= SHORTEST_SPEECH:
                self.expect_speech()
            elif self._due_at is not None:
                # It was no speech, and what the caller waits for is due as before.
                self._wait_until(self._due_at)
            self._spoke_since = None

    def _on_agent(self, event: AgentStateChangedEvent) -> None:
        self._is_heard = event.new_state == "speaking"
        if self._is_heard:
            self._stop_waiting()
            self._due_at = None
            if self._clip is None:
                self._apologies = 0
        elif event.new_state == "thinking":
            self._expect_answer()

    def _expect_answer(self) -> None:
        """To words that nothing was expected for: they came over the agent's, or were too short."""
        if self._spoke_since is None:
            if self._timer is None:
                self.expect_speech()
        elif self._due_at is None and self._silence:
            # A caller who is speaking hears nothing now; if it is a cough, this is still due.
            self._due_at = asyncio.get_running_loop().time() + self._silence

    def _on_error(self, event: ErrorEvent) -> None:
        failed = event.error
        error = getattr(failed, "error", failed)
        stage = _STAGES.get(getattr(failed, "type", ""), "pipeline")
        self._last_error = f"{stage} ({getattr(failed, 'label', stage)}): {error}"
        if getattr(failed, "recoverable", False):
            logger.warning("provider failed, trying again: %s", self._last_error)
            return
        logger.error("provider failed: %s", self._last_error)
        refused = isinstance(error, APIStatusError) and error.status_code in _FOR_GOOD
        if refused or stage == "STT":  # a recogniser that has given up hears nothing any more
            self._end()
        else:
            self._apologise()

    def _too_silent(self) -> None:
        logger.warning(
            "silent for %.1f s after the caller, last error: %s", self._silence, self._last_error
        )
        self._apologise()

    def _apologise(self) -> None:
        if self._over or self._clip is not None:
            return
        self._apologies += 1
        if self._apologies > MOST_APOLOGIES:
            self._end()
        else:
            self._clip = asyncio.create_task(self._say(repeat()))

    def _end(self) -> None:
        if self._over:
            return
        self._over = True
        self._stop_waiting()
        if self._clip is not None:
            self._clip.cancel()
        self._clip = asyncio.create_task(self._say_and_leave())

    async def _say_and_leave(self) -> None:
        try:
            await self._say(farewell())
        finally:
            self._give_up(f"a provider failed: {self._last_error}")

    async def _say(self, clip: Clip) -> None:
        if self._session is None:
            return
        self._stop_waiting()
        try:
            # What is stuck in a provider would be spoken first.
            await self._session.interrupt(force=True)
            handle = self._session.say(
                clip.text, audio=clip.frames(), allow_interruptions=not self._over
            )
            await handle.wait_for_playout()
        except RuntimeError as error:
            logger.warning("apology not spoken: %s", error)  # the session has closed meanwhile
        finally:
            if not self._over:
                self._clip = None
