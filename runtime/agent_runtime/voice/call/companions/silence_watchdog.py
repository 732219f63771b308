"""Keeps a caller from waiting in silence when a provider fails.

After the caller has spoken, or when the greeting is due, the agent must speak within a bound; otherwise a
fallback clip that needs no provider asks the caller to repeat. A provider that refuses us for good (a wrong
key), or fails again and again, ends the call with a farewell.

A voice that was not understood is nobody's fault: noise, or words that never became a final transcript.
Its caller is asked to repeat, and the call goes on. The agent owes an answer only to a turn, or when a
provider has failed.

No speech is due while the agent speaks. A caller's words over the agent's may need no answer, or be
ignored as the agent's configuration wants it; an answer is due once the agent starts to think about one.
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
    UserInputTranscribedEvent,
    UserStateChangedEvent,
)

from agent_runtime.secrecy.shown import without_bodies
from agent_runtime.voice.call.companions.fallback_clips import Clip, farewell, repeat
from agent_runtime.voice.call.outcome import Outcome

logger = logging.getLogger(__name__)

# Seconds of voice from which an answer is due: noise, a cough for instance, is shorter than words.
SHORTEST_SPEECH: Final = 0.4
# Times that the caller is asked to repeat without a word of the agent's own in between; then the call ends.
MAX_REPEATS: Final = 2
# HTTP statuses about a key, a bill or a model: retries do not help.
_REFUSED: Final = frozenset({401, 402, 403, 404})
_PARTS: Final = {"stt_error": "STT", "llm_error": "LLM", "tts_error": "TTS"}


class SilenceWatchdog:
    """Plays a fallback clip after `silence` seconds in which speech was due; 0 never does.

    `give_up(reason)` ends the call after the farewell.
    """

    def __init__(self, silence: float, give_up: Callable[[str], None]) -> None:
        self._silence = silence
        self._give_up = give_up
        self._session: AgentSession[Any] | None = None
        self._timer: asyncio.TimerHandle | None = None
        # By the loop's clock: when speech was due before the caller's current voice stopped the timer.
        self._due_at: float | None = None
        self._voice_since: float | None = None
        self._agent_speaks = False
        self._repeats = 0
        # False once an answer has ended that holds nothing to say, such as an emoji.
        self._answer_has_words = True
        # Times that the caller was asked to repeat what may have been noise; not since the agent spoke.
        self._unclear = 0
        # Since the agent spoke: whether it owes speech, the caller's words are known, a provider failed.
        self._owes_speech = False
        self._caller_has_words = False
        self._last_error: str | None = None
        self._clip: asyncio.Task[None] | None = None
        self._over = False
        self._is_suspended = False

    def listen_to(self, session: AgentSession[Any]) -> None:
        """Watch the session from now on."""
        self._session = session
        session.on("user_state_changed", self._on_user)
        session.on("agent_state_changed", self._on_agent)
        session.on("user_input_transcribed", self._on_transcript)
        session.on("error", self._on_error)

    def suspend(self) -> None:
        """Expect no speech until `resume`: others decide whether the agent speaks at all."""
        self._is_suspended = True
        self._stop_timer()

    def resume(self) -> None:
        """Expect speech as before, from now on."""
        self._is_suspended = False

    def expect_speech(self) -> None:
        """Start the timer: the agent's greeting or answer is due within the bound."""
        self._owes_speech = True
        self._await_speech()

    def _await_speech(self) -> None:
        if self._silence and not self._agent_speaks:
            self._start_timer(asyncio.get_running_loop().time() + self._silence)

    def on_answer(self, has_words: bool) -> None:
        """Learn that an answer has begun, or (false) that it holds nothing to say and is no fault."""
        self._answer_has_words = has_words

    async def close(self, _outcome: Outcome, /) -> None:
        """Stop the timer and the clip."""
        self._over = True
        self._stop_timer()
        if self._clip is not None:
            self._clip.cancel()

    def _start_timer(self, due_at: float) -> None:
        self._stop_timer()
        if not self._over and not self._is_suspended:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(due_at, self._on_silence)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_user(self, event: UserStateChangedEvent) -> None:
        now = asyncio.get_running_loop().time()
        if event.new_state == "speaking":
            self._voice_since = now
            self._answer_has_words = True
            self._due_at = None if self._timer is None else self._timer.when()
            self._stop_timer()
        elif event.old_state == "speaking" and self._voice_since is not None:
            if now - self._voice_since >= SHORTEST_SPEECH:
                self._await_speech()
            elif self._due_at is not None:
                # It was only noise: restore the previous deadline.
                self._start_timer(self._due_at)
            self._voice_since = None

    def _on_agent(self, event: AgentStateChangedEvent) -> None:
        self._agent_speaks = event.new_state == "speaking"
        if self._agent_speaks:
            self._stop_timer()
            self._due_at = None
            if self._clip is None:
                self._repeats = self._unclear = 0
                self._last_error = None
            self._owes_speech = self._caller_has_words = False
        elif event.new_state == "thinking":
            self._owes_speech = True
            self._expect_answer()

    def _on_transcript(self, event: UserInputTranscribedEvent) -> None:
        if event.transcript.strip():
            self._caller_has_words = True

    def _expect_answer(self) -> None:
        """Start the timer for speech that did not: it overlapped the agent's, or was very short."""
        if self._voice_since is None:
            if self._timer is None:
                self._await_speech()
        elif self._due_at is None and self._silence:
            # A caller who speaks now needs no answer yet; if it is a cough, the answer is due as usual.
            self._due_at = asyncio.get_running_loop().time() + self._silence

    def _on_error(self, event: ErrorEvent) -> None:
        failed = event.error
        error = getattr(failed, "error", failed)
        part = _PARTS.get(getattr(failed, "type", ""), "pipeline")
        self._last_error = (
            f"{part} ({getattr(failed, 'label', part)}): {without_bodies(str(error))}"
        )
        if getattr(failed, "recoverable", False):
            logger.warning("provider failed, trying again: %s", self._last_error)
            return
        logger.error("provider failed: %s", self._last_error)
        refused = isinstance(error, APIStatusError) and error.status_code in _REFUSED
        if refused or part == "STT":  # a recogniser that has given up recognises nothing any more
            self._end()
        else:
            self._ask_to_repeat()

    def _on_silence(self) -> None:
        if not self._answer_has_words:
            logger.info("the agent's answer holds nothing to say")
            return
        logger.warning(
            "silent for %.1f s after the caller, last error: %s",
            self._silence,
            self._last_error or "none",
        )
        if self._owes_speech or self._last_error is not None:
            self._ask_to_repeat()
        elif self._caller_has_words or self._unclear < MAX_REPEATS:
            self._unclear += 1
            self._play_repeat()

    def _ask_to_repeat(self) -> None:
        if self._over or self._clip is not None:
            return
        self._repeats += 1
        if self._repeats > MAX_REPEATS:
            self._end()
        else:
            self._play_repeat()

    def _play_repeat(self) -> None:
        if not self._over and self._clip is None:
            self._clip = asyncio.create_task(self._play(repeat()))

    def _end(self) -> None:
        if self._over:
            return
        self._over = True
        self._stop_timer()
        if self._clip is not None:
            self._clip.cancel()
        self._clip = asyncio.create_task(self._play_farewell())

    async def _play_farewell(self) -> None:
        try:
            await self._play(farewell())
        finally:
            self._give_up(f"a provider failed: {self._last_error or 'no answer'}")

    async def _play(self, clip: Clip) -> None:
        if self._session is None:
            return
        self._stop_timer()
        try:
            # Otherwise the speech that is stuck in a provider would come first.
            await self._session.interrupt(force=True)
            handle = self._session.say(
                clip.text, audio=clip.frames(), allow_interruptions=not self._over
            )
            await handle.wait_for_playout()
        except RuntimeError as error:
            logger.warning("fallback clip not played: %s", error)  # the session closed meanwhile
        finally:
            if not self._over:
                self._clip = None
