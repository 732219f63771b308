"""A caller who recognises what they hear."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from fixtures.caller import Caller
from fixtures.caller.ear import Heard
from fixtures.speech import ANSWERS, Recogniser, clip


@dataclass(frozen=True, slots=True)
class Answer:
    """The sentence that the caller recognised, and its voice-to-voice delay (milliseconds, at the ear)."""

    text: str | None
    voice_to_voice: float


class Person:
    """A caller in a room, with a recogniser of all known sentences."""

    def __init__(self, caller: Caller, recogniser: Recogniser) -> None:
        self.caller = caller
        self._recogniser = recogniser

    async def hears(self) -> str | None:
        """Listen to the next utterance; returns its sentence, or None."""
        return await self.recognise(await self.caller.hear())

    async def recognise(self, heard: Heard) -> str | None:
        """The known sentence in an utterance, or None."""
        return await asyncio.to_thread(self._recogniser.recognise, heard.sound)

    async def hears_greeting(self) -> None:
        """Listen to the greeting. Raises AssertionError when it is another sentence."""
        sentence = await self.hears()
        if sentence != ANSWERS["greeting"]:
            raise AssertionError(f"heard {sentence!r} and not the greeting")

    async def asks(self, name: str) -> Answer:
        """Ask the question of that name in `SENTENCES` and listen to the answer."""
        self.caller.forget()
        spoken = await self.caller.say(clip(name))
        heard = await self.caller.hear()
        text = await asyncio.to_thread(self._recogniser.recognise, heard.sound)
        return Answer(text, (heard.began_at - spoken.ended_at) * 1000)

    async def is_answered(self, name: str) -> Answer:
        """Ask the question and get the right answer. Raises AssertionError."""
        answer = await self.asks(name)
        if answer.text != ANSWERS[name]:
            raise AssertionError(f"asked {name!r}, heard {answer.text!r}")
        return answer
