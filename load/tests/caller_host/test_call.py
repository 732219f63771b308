"""The reports of one call, with a scripted ear instead of a room and an agent."""

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


class ScriptedCaller:
    """Hears what the test lists; speaks from 10 s to 12 s of the clock, then from 20 s to 22 s."""

    disconnected_because = None
    agents = ("agent",)

    def __init__(self, onsets: list[float], heard: list[tuple[float, float]]) -> None:
        self._onsets = onsets
        self._heard = heard
        self._spoke = 0

    async def say(self, _sound: Sound) -> Utterance:
        """Speak for two seconds, ten seconds after the last utterance began."""
        self._spoke += 1
        return Utterance(10.0 * self._spoke, 10.0 * self._spoke + 2)

    async def onset(self, timeout: float) -> float:
        """The next onset. Raises TimeoutError when there is none."""
        found: float = await self._next(self._onsets, timeout)
        return found

    async def hear(self, timeout: float) -> Heard:
        """The next utterance. Raises TimeoutError when there is none."""
        began_at, ended_at = await self._next(self._heard, timeout)
        return Heard(SILENCE, began_at, ended_at)

    async def _next(self, left: list[Any], timeout: float) -> Any:
        if left:
            return left.pop(0)
        async with asyncio.timeout(timeout):
            return await asyncio.Event().wait()


class AgreeingJudge:
    """Finds every answer as expected."""

    async def judge(self, _sound: Sound, expected: str | None) -> Verdict:
        """Judge the answer as right."""
        return Verdict(expected, ())


class ReportedCall:
    """A call without API and room, and the reports that it has made."""

    def __init__(self, **scenario: Any) -> None:
        self.reports: list[Message] = []
        turn = Turn.model_validate({"say": "story", "interrupt": {"say": "stop", "after": 0.001}})
        settings = HostSettings(
            name="host", api_url="", api_key="", livekit_url="", livekit_key="", livekit_secret="",
            agent_id=7,
            scenario=Scenario(name="s", turns=(turn,), answer_within=0.05, **scenario),
        )  # fmt: skip
        sender = CallReports("c-1", self.reports.append)
        self.turn = turn
        self.call = Call(settings, None, AgreeingJudge(), sender, asyncio.Event())  # type: ignore[arg-type]

    async def judged(self) -> None:
        """Judge the answers, as at the end of a call."""
        await self.call._answers.judge_all()

    def samples(self, metric: Metric) -> list[tuple[float, str | None]]:
        """Milliseconds and error of each sample of a metric."""
        found = of_kind(self.reports, messages.SAMPLE)
        return [(each["ms"], each["error"]) for each in found if each["stage"] == metric]


async def test_an_answer_is_not_the_end_of_an_older_utterance() -> None:
    """An utterance that began before the question and ends during it is not taken for the answer."""
    reported = ReportedCall()
    caller: Any = ScriptedCaller([12.5], [(9.0, 10.5), (12.5, 14.0)])
    await reported.call._ask(caller, Turn(say="weather"))
    await reported.judged()
    assert reported.samples(Metric.VOICE_TO_VOICE) == [(500, None)]
    assert reported.samples(Metric.ANSWER) == [(500, None)]
    [turn] = of_kind(reported.reports, messages.TURN)
    assert (turn["voice_to_voice"], turn["right"]) == (500, True)
    assert turn["understood"] == ANSWERS["weather"]


async def test_speech_into_the_question_is_an_error_of_its_own() -> None:
    """Speech into the caller's question is one error, and the answer after it is still measured."""
    reported = ReportedCall()
    caller: Any = ScriptedCaller([11.0, 12.6], [(9.0, 9.5), (11.0, 11.5), (12.6, 14.0)])
    await reported.call._ask(caller, Turn(say="weather"))
    early = "the agent spoke before the caller had finished"
    assert reported.samples(Metric.VOICE_TO_VOICE) == [(0, early), (600, None)]


async def test_barge_in_ends_with_the_interrupted_answer() -> None:
    """Barge-in lasts until the end of the interrupted answer, not of an older utterance."""
    reported = ReportedCall()
    caller: Any = ScriptedCaller([12.5, 22.7], [(9.0, 9.5), (12.5, 20.5), (22.7, 24.0)])
    interrupt = reported.turn.interrupt
    assert interrupt is not None
    await reported.call._interrupt_answer(caller, reported.turn, interrupt)
    assert reported.samples(Metric.BARGE_IN) == [(500, None)]
    assert reported.samples(Metric.VOICE_TO_VOICE) == [(500, None), (700, None)]


async def test_an_answer_that_does_not_end_has_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endless answer has a voice to voice time, and an error of its own, other than a missing answer."""
    monkeypatch.setattr(calls, "ENDS_WITHIN", 0.05)
    reported = ReportedCall()
    for caller in (ScriptedCaller([12.5], []), ScriptedCaller([], [])):
        await reported.call._ask(caller, Turn(say="story"))  # type: ignore[arg-type]
    await reported.judged()
    assert reported.samples(Metric.VOICE_TO_VOICE) == [(500, None)]
    assert reported.samples(Metric.ANSWER) == [
        (500, "endless: it began and did not end in time"),
        (0, "missing: nothing was heard"),
    ]
    assert [t["voice_to_voice"] for t in of_kind(reported.reports, messages.TURN)] == [500, None]


async def test_a_greeting_may_last_longer_than_its_deadline() -> None:
    """`greeting_within` limits the time to the greeting's first sound, not its length."""
    reported = ReportedCall(greeting_within=0.05)
    late = asyncio.Event()

    class Slow(ScriptedCaller):
        async def hear(self, timeout: float) -> Heard:
            async with asyncio.timeout(timeout):
                await late.wait()
            return await super().hear(timeout)

    asyncio.get_running_loop().call_later(0.2, late.set)
    await reported.call._hear_greeting(Slow([3.0], [(3.0, 25.0)]), 1.0)  # type: ignore[arg-type]
    await reported.judged()
    assert reported.samples(Metric.FIRST_AUDIO) == [(2000, None)]
    assert reported.samples(Metric.GREETING) == [(22_000, None)]
