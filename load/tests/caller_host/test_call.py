"""What one call reports of what its caller hears: a caller without a room, an agent without a voice."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from fixtures.caller import Heard
from fixtures.caller.microphone import Utterance
from fixtures.speech import ANSWERS, Sound
from load import messages
from load.caller_host import call as calls
from load.caller_host.call import Call
from load.caller_host.judge import Verdict
from load.caller_host.reports import CallReports
from load.caller_host.settings import HostSettings
from load.messages import Message, of_kind
from load.metrics import Metric
from load.scenario import Scenario, Turn

SILENCE = Sound(np.zeros(160, np.int16), 16_000)


class Ear:
    """Hears what the test says; as a caller it speaks from 10 s to 12 s of the clock, then 20 to 22 s."""

    disconnected_because = None
    agents = ("agent",)

    def __init__(self, onsets: list[float], heard: list[tuple[float, float]]) -> None:
        self._onsets = onsets
        self._heard = heard
        self._spoke = 0

    async def say(self, _sound: Sound) -> Utterance:
        """Ten seconds after the last one."""
        self._spoke += 1
        return Utterance(10.0 * self._spoke, 10.0 * self._spoke + 2)

    async def onset(self, timeout: float) -> float:
        """The next one. Raises TimeoutError when there is none."""
        found: float = await self._next(self._onsets, timeout)
        return found

    async def hear(self, timeout: float) -> Heard:
        """The next one. Raises TimeoutError when there is none."""
        began_at, ended_at = await self._next(self._heard, timeout)
        return Heard(SILENCE, began_at, ended_at)

    async def _next(self, left: list[Any], timeout: float) -> Any:
        if left:
            return left.pop(0)
        async with asyncio.timeout(timeout):
            return await asyncio.Event().wait()


class Judge:
    """Everything is as it was expected."""

    async def judge(self, _sound: Sound, expected: str | None) -> Verdict:
        """Right."""
        return Verdict(expected, ())


class Reported:
    """A call that only asks, and what it said."""

    def __init__(self, **scenario: Any) -> None:
        self.said: list[Message] = []
        turn = Turn.model_validate({"say": "story", "interrupt": {"say": "stop", "after": 0.001}})
        settings = HostSettings(
            name="host", api_url="", api_key="", livekit_url="", livekit_key="", livekit_secret="",
            agent_id=7,
            scenario=Scenario(name="s", turns=(turn,), answer_within=0.05, **scenario),
        )  # fmt: skip
        reports = CallReports("c-1", self.said.append)
        self.turn = turn
        self.call = Call(settings, None, Judge(), reports, asyncio.Event())  # type: ignore[arg-type]

    async def judged(self) -> None:
        """As after the call."""
        await self.call._answers.judge_all()

    def samples(self, metric: Metric) -> list[tuple[float, str | None]]:
        """Milliseconds and error of each."""
        found = of_kind(self.said, messages.SAMPLE)
        return [(each["ms"], each["error"]) for each in found if each["stage"] == metric]


async def test_an_answer_is_not_the_end_of_an_older_utterance() -> None:
    """The greeting's second sentence ends while the caller speaks; the answer begins afterwards."""
    reported = Reported()
    ear: Any = Ear([12.5], [(9.0, 10.5), (12.5, 14.0)])
    await reported.call._ask(ear, Turn(say="weather"))
    await reported.judged()
    assert reported.samples(Metric.VOICE_TO_VOICE) == [(500, None)]
    assert reported.samples(Metric.ANSWER) == [(500, None)]
    [turn] = of_kind(reported.said, messages.TURN)
    assert (turn["voice_to_voice"], turn["right"]) == (500, True)
    assert turn["understood"] == ANSWERS["weather"]


async def test_what_was_said_too_early_takes_its_own_end_with_it() -> None:
    """And not that of what was forgotten before it."""
    reported = Reported()
    ear: Any = Ear([11.0, 12.6], [(9.0, 9.5), (11.0, 11.5), (12.6, 14.0)])
    await reported.call._ask(ear, Turn(say="weather"))
    early = "the agent spoke before the caller had finished"
    assert reported.samples(Metric.VOICE_TO_VOICE) == [(0, early), (600, None)]


async def test_who_is_talked_over_falls_silent_at_the_end_of_the_same_answer() -> None:
    """An older utterance had ended before, of course."""
    reported = Reported()
    ear: Any = Ear([12.5, 22.7], [(9.0, 9.5), (12.5, 20.5), (22.7, 24.0)])
    interrupt = reported.turn.interrupt
    assert interrupt is not None
    await reported.call._interrupt_answer(ear, reported.turn, interrupt)
    assert reported.samples(Metric.BARGE_IN) == [(500, None)]
    assert reported.samples(Metric.VOICE_TO_VOICE) == [(500, None), (700, None)]


async def test_an_answer_that_does_not_end_has_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time counts; that nobody heard its end is another error than that nothing came."""
    monkeypatch.setattr(calls, "ENDS_WITHIN", 0.05)
    reported = Reported()
    for ear in (Ear([12.5], []), Ear([], [])):
        await reported.call._ask(ear, Turn(say="story"))  # type: ignore[arg-type]
    await reported.judged()
    assert reported.samples(Metric.VOICE_TO_VOICE) == [(500, None)]
    assert reported.samples(Metric.ANSWER) == [
        (500, "endless: it began and did not end in time"),
        (0, "missing: nothing was heard"),
    ]
    assert [t["voice_to_voice"] for t in of_kind(reported.said, messages.TURN)] == [500, None]


async def test_a_greeting_may_be_longer_than_its_beginning_may_take() -> None:
    """The first sound is what callers wait for."""
    reported = Reported(greeting_within=0.05)
    late = asyncio.Event()

    class Slow(Ear):
        async def hear(self, timeout: float) -> Heard:
            async with asyncio.timeout(timeout):
                await late.wait()
            return await super().hear(timeout)

    asyncio.get_running_loop().call_later(0.2, late.set)
    await reported.call._hear_greeting(Slow([3.0], [(3.0, 25.0)]), 1.0)  # type: ignore[arg-type]
    await reported.judged()
    assert reported.samples(Metric.FIRST_AUDIO) == [(2000, None)]
    assert reported.samples(Metric.GREETING) == [(22_000, None)]
