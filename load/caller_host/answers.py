"""Answers of a call, kept until it is over and judged then."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Final

from fixtures.caller import Heard
from load.caller_host.judge import Judge
from load.caller_host.reports import CallReports
from load.metrics import Metric

JUDGED_WITHIN: Final = 60.0  # seconds; the judge yields to everybody, and may wait for long


@dataclass(frozen=True, slots=True)
class Answer:
    """What came after `said` (monotonic seconds): it began at `began_at`, None when nothing came.

    `heard` is None when nothing came, or what came did not end. `number` counts the turns of a call from 0;
    the greeting, which answers nobody, has none.
    """

    number: int | None
    said: str
    expected: str
    spoke_until: float
    heard: Heard | None
    began_at: float | None = None
    interrupts: bool = False


class Answers:
    """Collects them, and tells after the call which were right."""

    def __init__(self, judge: Judge, reports: CallReports) -> None:
        self._judge = judge
        self._reports = reports
        self._answers: list[Answer] = []
        self.wrong = 0

    def add(self, answer: Answer) -> None:
        """Keep one for later."""
        self._answers.append(answer)

    async def tell(self) -> None:
        """Judge all of them, and report each."""
        for answer in self._answers:
            await self._tell(answer)
        self._answers.clear()

    async def _tell(self, answer: Answer) -> None:
        heard = answer.heard
        text, error = None, "missing: nothing was heard"
        delay = 0.0
        if answer.began_at is not None:
            delay = max(0.0, answer.began_at - answer.spoke_until)
            error = "endless: it began, and did not end in time"
        if heard is not None:
            text, error = await self._judged(answer, heard)
        self.wrong += bool(error)
        if answer.number is None:
            self._reports.sample(Metric.GREETING, heard.seconds if heard else 0.0, error or None)
            return
        self._reports.sample(Metric.ANSWER, delay, error or None)
        self._turn(answer, answer.began_at, text, not error)

    def interrupted(self, answer: Answer, onset: float) -> None:
        """An answer that began at `onset` (monotonic seconds) and was talked over: not to be judged."""
        self._turn(answer, onset, None, None)

    def _turn(
        self, answer: Answer, began: float | None, text: str | None, right: bool | None
    ) -> None:
        self._reports.turn(
            number=answer.number,
            said=answer.said,
            expected=answer.expected,
            understood=text,
            right=right,
            interrupts=answer.interrupts,
            spoke_until=epoch(answer.spoke_until),
            answered_at=None if began is None else epoch(began),
            voice_to_voice=None if began is None else round((began - answer.spoke_until) * 1000, 2),
        )

    async def _judged(self, answer: Answer, heard: Heard) -> tuple[str | None, str]:
        try:
            async with asyncio.timeout(JUDGED_WITHIN):
                verdict = await self._judge.judge(heard.sound, answer.expected)
        except TimeoutError:
            return None, f"not judged within {JUDGED_WITHIN:.0f} s: the load machine is too busy"
        except BrokenProcessPool:
            return None, "not judged: the process that recognises speech was killed"
        for gap in heard.stalls if verdict.gaps is None else verdict.gaps:
            self._reports.sample(Metric.GAP, gap)
        if verdict.text == answer.expected:
            return verdict.text, ""
        return verdict.text, f"wrong: {answer.expected!r} was expected, {verdict.text!r} was heard"


def epoch(monotonic: float) -> float:
    """Seconds since the epoch of a moment of the monotonic clock."""
    return time.time() - time.monotonic() + monotonic
