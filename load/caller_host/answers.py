"""Keeps the answers of a call and judges them after it, so that recognition does not disturb the call."""

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

# Seconds that the judgement of an answer may take; long, since the judge runs at the lowest priority.
JUDGED_WITHIN: Final = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The agent's answer to `said`, which the caller had spoken until `spoke_until`; monotonic seconds.

    `began_at` is None when no answer came. `heard` is None when none came, or when it did not end in time.
    `number` counts the turns of a call from 0, and is None for the greeting.
    """

    number: int | None
    said: str
    expected: str
    spoke_until: float
    heard: Heard | None
    began_at: float | None = None
    interrupts: bool = False


class Answers:
    """Collects the answers of a call, and judges and reports them after it."""

    def __init__(self, judge: Judge, reports: CallReports) -> None:
        self._judge = judge
        self._reports = reports
        self._answers: list[Answer] = []
        self.wrong = 0

    def add(self, answer: Answer) -> None:
        """Keep an answer until the end of the call."""
        self._answers.append(answer)

    async def judge_all(self) -> None:
        """Judge and report every answer."""
        for answer in self._answers:
            await self._judge_one(answer)
        self._answers.clear()

    async def _judge_one(self, answer: Answer) -> None:
        heard = answer.heard
        text, error = None, "missing: nothing was heard"
        delay = 0.0
        if answer.began_at is not None:
            delay = max(0.0, answer.began_at - answer.spoke_until)
            error = "endless: it began and did not end in time"
        if heard is not None:
            text, error = await self._recognise(answer, heard)
        self.wrong += bool(error)
        if answer.number is None:
            self._reports.sample(Metric.GREETING, heard.seconds if heard else 0.0, error or None)
            return
        self._reports.sample(Metric.ANSWER, delay, error or None)
        self._report_turn(answer, answer.began_at, text, not error)

    def interrupted(self, answer: Answer, onset: float) -> None:
        """Report an interrupted answer, which is not judged; it began at `onset` (monotonic seconds)."""
        self._report_turn(answer, onset, None, None)

    def _report_turn(
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

    async def _recognise(self, answer: Answer, heard: Heard) -> tuple[str | None, str]:
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
    """Convert a time of the monotonic clock to seconds since the epoch."""
    return time.time() - time.monotonic() + monotonic
