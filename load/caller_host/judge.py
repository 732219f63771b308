"""Recognises the agent's answers after the call, in a process of the lowest priority."""

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

TRIES: Final = 2  # for each answer: a recognition process that was killed is replaced once


@dataclass(frozen=True, slots=True)
class Verdict:
    """The recognised text (None: nothing was recognised), and the seconds of each gap in it.

    `gaps` is None where the undisturbed sentence is not known, so a pause may belong to it.
    """

    text: str | None
    gaps: tuple[float, ...] | None


class Judge:
    """Recognises answers when the CPU is idle, since a second of speech takes 30 ms of CPU."""

    def __init__(self, expected: Sequence[str], *, stand_in_voice: bool) -> None:
        self._sentences = list(dict.fromkeys([*every_sentence(), *expected]))
        self._stand_in_voice = stand_in_voice
        self._pool = self._new_pool()

    async def judge(self, sound: Sound, expected: str | None) -> Verdict:
        """Recognise one utterance. Raises BrokenProcessPool when its process is killed in every try."""
        reference = expected if self._stand_in_voice else None
        for attempt in range(1, TRIES + 1):
            pool = self._pool
            try:
                return await asyncio.get_running_loop().run_in_executor(
                    pool, _recognise, sound.pcm, sound.rate, reference
                )
            except BrokenProcessPool:
                if attempt == TRIES:
                    raise
                if pool is self._pool:
                    logger.warning(
                        "the process that recognises speech was killed; starting another"
                    )
                    self._pool = self._new_pool()
        raise AssertionError("not reached")

    async def __aenter__(self) -> Self:
        """Enter; the process starts with the first answer."""
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
            mp_context=multiprocessing.get_context("spawn"),  # a fork would lose WebRTC's threads
            initializer=_initialise,
            initargs=(self._sentences,),
        )


_recogniser: Recogniser | None = None


def _initialise(sentences: Sequence[str]) -> None:
    global _recogniser  # noqa: PLW0603 - a pool has no other place for it
    end_with_parent()
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    else:
        os.nice(19)
    _recogniser = Recogniser(sentences)


def _recognise(pcm: bytes, rate: int, reference: str | None) -> Verdict:
    assert _recogniser is not None  # noqa: S101 - for the type checker
    heard = Sound.of_pcm(pcm, rate)
    text = _recogniser.recognise(heard)
    if reference is None or text != reference:
        return Verdict(text, None)
    return Verdict(text, tuple(gaps(heard, _spoken(reference, rate))))


@cache
def _spoken(text: str, rate: int) -> Sound:
    return synthesise(text, rate)
