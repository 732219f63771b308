"""A caller who understands what they hear."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from fixtures.caller import Caller
from fixtures.caller.ear import Heard
from fixtures.speech import ANSWERS, Recogniser, clip


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller understood, and how long it took to begin (milliseconds, at the ear)."""

    text: str | None
    voice_to_voice: float


class Person:
    """A caller in a room, with ears that understand the catalogue."""

    def __init__(self, caller: Caller, recogniser: Recogniser) -> None:
        self.caller = caller
        self._recogniser = recogniser

    async def hears(self) -> str | None:
        """The next utterance, understood."""
        return await self.understands(await self.caller.hear())

    async def understands(self, heard: Heard) -> str | None:
        """Which sentence of the catalogue it was."""
        return await asyncio.to_thread(self._recogniser.recognise, heard.sound)

    async def hears_greeting(self) -> None:
        """Listen to the greeting. Raises AssertionError when it is another sentence."""
        understood = await self.hears()
        if understood != ANSWERS["greeting"]:
            raise AssertionError(f"heard {understood!r} and not the greeting")

    async def asks(self, name: str) -> Answer:
        """Ask the question `name` of the catalogue and listen to the answer."""
        self.caller.forget()
        spoken = await self.caller.say(clip(name))
        heard = await self.caller.hear()
        text = await asyncio.to_thread(self._recogniser.recognise, heard.sound)
        return Answer(text, (heard.began_at - spoken.ended_at) * 1000)

    async def is_answered(self, name: str) -> Answer:
        """Ask, and be answered rightly. Raises AssertionError."""
        answer = await self.asks(name)
        if answer.text != ANSWERS[name]:
            raise AssertionError(f"asked {name!r}, heard {answer.text!r}")
        return answer
