"""What callers murmur while they listen: no reason for the agent to stop, nor a turn to answer.

The framework takes every transcript for a turn, "Mhm." too. A murmur over the agent's words is held back.
When the agent ends shortly after it, it was an answer after all ("Shall I book it?" - "Yeah."), and goes on
its way.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any, Final

from livekit.agents import AgentSession, AgentStateChangedEvent, SpeechCreatedEvent, stt
from livekit.agents.utils import aio
from livekit.agents.voice import SpeechHandle

logger = logging.getLogger(__name__)

# Seconds before the agent's end in which a murmur may have been an answer.
MAY_BE_AN_ANSWER: Final = 1.0
# Seconds of its answer after which a voice, or the answer's own echo, may come because of it.
UNHEARD: Final = 0.1
# And in which an interruption has to be done: the transcript waits for it.
INTERRUPTED_WITHIN: Final = 0.2

_NOT_WORDS: Final = re.compile(r"[^\w\s]+")
# As speech recognition writes them; the last line is what other languages add.
_WORDS: Final = frozenset(
    """
    uh huh uhhuh um umm hm hmm mm mmm mhm mhmm mmhmm ah aha oh ooh
    yeah yep yup yes ok okay right sure
    ja genau ach so oui ouais si s\u00ed claro
    """.split()  # noqa: SIM905 - words are easier to read and to add than a list of strings
)

_TRANSCRIPTS: Final = (
    stt.SpeechEventType.INTERIM_TRANSCRIPT,
    stt.SpeechEventType.PREFLIGHT_TRANSCRIPT,
    stt.SpeechEventType.FINAL_TRANSCRIPT,
)


def is_backchannel(text: str) -> bool:
    """Whether it holds nothing but such words; nothing at all is no murmur."""
    words = _NOT_WORDS.sub(" ", text.lower()).split()
    return bool(words) and _WORDS.issuperset(words)


class BackchannelFilter:
    """Of one call; `of` gives the transcripts that count."""

    def __init__(self, session: AgentSession[Any]) -> None:
        self._session = session
        session.on("speech_created", self._on_speech)
        session.on("agent_state_changed", self._on_state)
        self._began_at = 0.0  # to speak, by the loop's clock
        self._out: aio.Chan[stt.SpeechEvent] | None = None
        self._held: tuple[float, stt.SpeechEvent] | None = None

    def _on_state(self, event: AgentStateChangedEvent) -> None:
        if event.new_state == "speaking":
            self._began_at = asyncio.get_running_loop().time()

    def _on_speech(self, event: SpeechCreatedEvent) -> None:
        event.speech_handle.add_done_callback(self._on_spoken)

    def _on_spoken(self, speech: SpeechHandle) -> None:
        held, self._held = self._held, None
        # An agent that was interrupted has not finished its question.
        if held is None or speech.interrupted or self._out is None or self._out.closed:
            return
        at, event = held
        if asyncio.get_running_loop().time() - at <= MAY_BE_AN_ANSWER:
            self._out.send_nowait(event)

    def agent_has_floor(self) -> bool:
        """Also while it pauses because there is a voice, and may go on."""
        speech = self._session.current_speech
        return (
            speech is not None
            and not speech.interrupted
            and self._session.agent_state in ("speaking", "listening")
        )

    def answer_is_due(self) -> bool:
        """The caller's turn is over, and nothing of the answer has been heard yet."""
        speech = self._session.current_speech
        return (
            speech is not None
            and not speech.interrupted
            and self._session.agent_state == "thinking"
        )

    def answer_has_just_begun(self) -> bool:
        """So lately that the caller cannot know: a voice now is one that goes on."""
        since = asyncio.get_running_loop().time() - self._began_at
        return self._session.agent_state == "speaking" and since < UNHEARD

    async def of(self, events: AsyncIterable[stt.SpeechEvent]) -> AsyncIterator[stt.SpeechEvent]:
        """The same without murmurs over the agent's words."""
        out = self._out = aio.Chan[stt.SpeechEvent]()
        sorting = asyncio.create_task(self._sort(events, out))
        sorting.add_done_callback(lambda _: out.close())
        try:
            async for event in out:
                yield event
            await sorting  # raises what ended it
        finally:
            await aio.cancel_and_wait(sorting)

    async def _sort(
        self, events: AsyncIterable[stt.SpeechEvent], out: aio.Chan[stt.SpeechEvent]
    ) -> None:
        async for event in events:
            if self._is_held(event):
                continue
            if event.type is stt.SpeechEventType.FINAL_TRANSCRIPT:
                await self._interrupt_what_waits()
            out.send_nowait(event)

    async def _interrupt_what_waits(self) -> None:
        """An answer that paused for the caller's voice, or is not heard yet: the caller has said more.

        The framework does so too, but prepares the next answer only where it is done already.
        """
        speech = self._session.current_speech
        if speech is None or speech.interrupted or not speech.allow_interruptions:
            return
        if self._session.agent_state not in ("listening", "thinking"):
            return
        try:
            async with asyncio.timeout(INTERRUPTED_WITHIN):
                await self._session.interrupt()
        except TimeoutError:
            logger.warning("the agent was not interrupted within %.1f s", INTERRUPTED_WITHIN)

    def _is_held(self, event: stt.SpeechEvent) -> bool:
        if event.type not in _TRANSCRIPTS or not event.alternatives or not self.agent_has_floor():
            return False
        if not is_backchannel(event.alternatives[0].text):
            return False
        if event.type is stt.SpeechEventType.FINAL_TRANSCRIPT:
            self._held = (asyncio.get_running_loop().time(), event)
        return True
