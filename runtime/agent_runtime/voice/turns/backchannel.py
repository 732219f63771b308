"""Backchannels of a caller who listens ("mhm"): no reason for the agent to stop, and no turn to answer.

The framework takes every transcript for a turn, "Mhm." too. The filter holds a backchannel over the agent's
speech back. When the agent ends shortly after it, it was an answer after all ("Shall I book it?" -
"Yeah."), and the filter lets it pass.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any, Final

from livekit.agents import AgentSession, SpeechCreatedEvent, stt
from livekit.agents.utils import aio
from livekit.agents.voice import SpeechHandle

from agent_runtime.voice.turns.floor import Floor

logger = logging.getLogger(__name__)

# Seconds before the end of the agent's speech in which a backchannel may have been an answer.
MAY_BE_AN_ANSWER: Final = 1.0
# Seconds within which an interruption has to be done, because the transcript waits for it.
INTERRUPTED_WITHIN: Final = 0.2

_NOT_WORDS: Final = re.compile(r"[^\w\s]+")
# As speech recognition writes them; the last line has those of other languages.
_BACKCHANNELS: Final = frozenset(
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
    """Whether `text` has words, and all of them are backchannels."""
    words = _NOT_WORDS.sub(" ", text.lower()).split()
    return bool(words) and _BACKCHANNELS.issuperset(words)


class BackchannelFilter:
    """Drops the backchannels of one call from its transcripts; see `filter`."""

    def __init__(self, session: AgentSession[Any], floor: Floor) -> None:
        self._session = session
        self._floor = floor
        session.on("speech_created", self._on_speech)
        self._out: aio.Chan[stt.SpeechEvent] | None = None
        # The last final backchannel that was held back, and when, by the loop's clock.
        self._held: tuple[float, stt.SpeechEvent] | None = None

    async def filter(
        self, events: AsyncIterable[stt.SpeechEvent]
    ) -> AsyncIterator[stt.SpeechEvent]:
        """Yield `events` without the backchannels over the agent's speech. Raises what ends `events`."""
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
                await self._withdraw_answer()
            out.send_nowait(event)

    def _is_held(self, event: stt.SpeechEvent) -> bool:
        if event.type not in _TRANSCRIPTS or not event.alternatives:
            return False
        if not self._floor.agent_has_floor or not is_backchannel(event.alternatives[0].text):
            return False
        if event.type is stt.SpeechEventType.FINAL_TRANSCRIPT:
            self._held = (asyncio.get_running_loop().time(), event)
        return True

    async def _withdraw_answer(self) -> None:
        """Interrupt an answer that paused for the caller's voice or is not heard yet: the caller said more.

        The framework does so too, but prepares the next answer only where this is done already.
        """
        if not self._floor.answer_can_be_withdrawn:
            return
        try:
            async with asyncio.timeout(INTERRUPTED_WITHIN):
                await self._session.interrupt()
        except TimeoutError:
            logger.warning("the agent was not interrupted within %.1f s", INTERRUPTED_WITHIN)

    def _on_speech(self, event: SpeechCreatedEvent) -> None:
        event.speech_handle.add_done_callback(self._on_speech_done)

    def _on_speech_done(self, speech: SpeechHandle) -> None:
        held, self._held = self._held, None
        # An agent that was interrupted has not finished its question.
        if held is None or speech.interrupted or self._out is None or self._out.closed:
            return
        at, event = held
        if asyncio.get_running_loop().time() - at <= MAY_BE_AN_ANSWER:
            self._out.send_nowait(event)
