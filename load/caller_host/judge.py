"""Understands what callers heard, after their calls, in a process that yields to everybody else."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Final, Self

from fixtures.processes.with_parent import end_with_parent
from fixtures.speech import Recogniser, Sound, synthesise
from fixtures.speech.sentences import every_sentence
from load.caller_host.gaps import gaps

logger = logging.getLogger(__name__)

TIMES: Final = 2  # a judge that was killed is replaced once for each answer


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was understood (None: nothing), and the seconds of each gap in it.

    `gaps` is None where the undisturbed sentence is not known, so that a pause may be its own.
    """

    text: str | None
    gaps: tuple[float, ...] | None


class Judge:
    """Recognition costs some 30 ms a second of speech: it runs when nothing else wants the processor."""

    def __init__(self, expected: Sequence[str], *, stand_in_voice: bool) -> None:
        self._sentences = list(dict.fromkeys([*every_sentence(), *expected]))
        self._stand_in_voice = stand_in_voice
        self._pool = self._new_pool()

    async def judge(self, sound: Sound, expected: str | None) -> Verdict:
        """Understand one utterance. Raises BrokenProcessPool when the judge is killed again and again."""
        reference = expected if self._stand_in_voice else None
        for attempt in range(1, TIMES + 1):
            pool = self._pool
            try:
                return await asyncio.get_running_loop().run_in_executor(
                    pool, _understand, sound.pcm, sound.rate, reference
                )
            except BrokenProcessPool:
                if attempt == TIMES:
                    raise
                if pool is self._pool:
                    logger.warning("the process that recognises speech was killed; another starts")
                    self._pool = self._new_pool()
        raise AssertionError("not reached")

    async def __aenter__(self) -> Self:
        """Its process starts with the first answer."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the process."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _new_pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            1,
            mp_context=multiprocessing.get_context(
                "spawn"
            ),  # WebRTC's threads do not survive a fork
            initializer=_begin,
            initargs=(self._sentences,),
        )


_recogniser: Recogniser | None = None


def _begin(sentences: Sequence[str]) -> None:
    global _recogniser  # noqa: PLW0603 - one for the process, as its pool wants it
    end_with_parent()
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    else:
        os.nice(19)
    _recogniser = Recogniser(sentences)


def _understand(pcm: bytes, rate: int, reference: str | None) -> Verdict:
    assert _recogniser is not None  # noqa: S101 - for the type checker
    heard = Sound.of_pcm(pcm, rate)
    text = _recogniser.recognise(heard)
    if reference is None or text != reference:
        return Verdict(text, None)
    return Verdict(text, tuple(gaps(heard, _spoken(reference, rate))))


@cache
def _spoken(text: str, rate: int) -> Sound:
    return synthesise(text, rate)
