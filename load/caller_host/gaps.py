"""Gaps in the agent's sound: pauses that the sentence, spoken undisturbed, does not have.

A voice speaks the words that it has: where text reaches it in pieces, it draws the last word of a piece
out, and what follows comes later by a quarter of a second. That is no gap. So what was heard is laid on
the undisturbed sentence by dynamic time warping of their levels (Sakoe and Chiba, "Dynamic programming
algorithm optimization for spoken word recognition", 1978), and pauses are compared where they belong. What
libraries have of it knows no silence that may be put in anywhere, which is what a gap is.
"""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fixtures.speech import Sound

STEP: Final = 0.01  # seconds of one level
SHORTEST: Final = 0.04  # seconds; shorter ones are not heard
# Of the loudest step. A dropout is far below the quietest speech; a pause of the sentence itself is judged
# generously, because the codec blurs where it begins and ends.
QUIET: Final = 0.01
QUIET_ITSELF: Final = 0.03
# What a step costs that one of the two sounds makes alone; levels are 0 to 1.
STRETCH: Final = 0.02
# And a step of silence, wherever it falls: else a gap would be laid on a pause of the sentence, and the
# words between them squeezed.
GAP: Final = 0.05
SENTENCE_ALONE: Final = 1  # ways to go on; 0: a step of both
SPEECH_ALONE: Final = 2

Levels = NDArray[np.float64]  # of each step from the first audible to the last one, 0 to 1
Span = tuple[int, int]  # steps: the first one, and the one after the last


def levels(sound: Sound) -> Levels:
    """Root mean square of each step, the loudest as 1, without the silence around the speech."""
    size = int(sound.rate * STEP)
    whole = len(sound.samples) // size * size
    steps = sound.samples[:whole].reshape(-1, size).astype(np.float64)
    found = np.sqrt((steps**2).mean(axis=1))
    loudest = found.max(initial=0.0)
    if loudest == 0.0:
        return np.zeros(0)
    loud = np.flatnonzero(found > QUIET * loudest)
    speech: Levels = found[loud[0] : loud[-1] + 1] / loudest
    return speech


def pauses(speech: Levels, quiet: float = QUIET) -> list[Span]:
    """Quiet parts of at least 40 ms between two loud ones."""
    loud = np.flatnonzero(speech > quiet)
    shortest = round(SHORTEST / STEP)
    return [
        (int(before) + 1, int(after))
        for before, after in itertools.pairwise(loud)
        if after - before - 1 >= shortest
    ]


def gaps(heard: Sound, undisturbed: Sound) -> list[float]:
    """Seconds of each gap longer than 40 ms in `heard`; `undisturbed` is the same sentence without one."""
    speech, sentence = levels(heard), levels(undisturbed)
    there = pauses(speech)
    if not there or not len(sentence):
        return []
    usual = _usual(there, pauses(sentence, QUIET_ITSELF), _counterparts(speech, sentence))
    extra = [(end - begin - own) * STEP for (begin, end), own in zip(there, usual, strict=True)]
    longest_unheard = SHORTEST + STEP / 2  # measured in whole steps
    return [seconds for seconds in extra if seconds > longest_unheard]


def _usual(there: list[Span], own: list[Span], counterparts: list[Span]) -> list[int]:
    """How many steps the sentence itself pauses in each of the pauses that are there."""
    usual = [0] * len(there)
    places = [(counterparts[begin][0], counterparts[end - 1][1]) for begin, end in there]
    for begin, end in own:
        shared = [min(end, last) - max(begin, first) for first, last in places]
        best = max(range(len(there)), key=lambda place: shared[place])
        if shared[best] > 0:
            usual[best] += end - begin
    return usual


def _counterparts(speech: Levels, sentence: Levels) -> list[Span]:
    """For each step of the speech, which steps of the sentence it is, by the path that costs least."""
    rows, columns = len(speech), len(sentence)
    # Quiet speech counts: on the plain scale only vowels would.
    speech_root, sentence_root = np.sqrt(speech), np.sqrt(sentence)
    silent = np.where(speech > QUIET, np.inf, GAP)
    # The path to a place (row, column) depends on the two diagonals before it alone; costs are kept by row.
    before_last, last = np.full(rows + 1, np.inf), np.full(rows + 1, np.inf)
    before_last[0] = 0.0
    steps = np.zeros((rows + 1, columns + 1), np.int8)
    for diagonal in range(2, rows + columns + 1):
        row = np.arange(max(1, diagonal - columns), min(rows, diagonal - 1) + 1)
        column = diagonal - row
        differ = np.abs(speech_root[row - 1] - sentence_root[column - 1])
        costs = (
            differ + before_last[row - 1],
            differ + STRETCH + last[row],
            np.minimum(differ + STRETCH, silent[row - 1]) + last[row - 1],
        )
        steps[row, column] = np.argmin(costs, axis=0)
        before_last, last = last, np.full(rows + 1, np.inf)
        last[row] = np.minimum.reduce(costs)
    return _spans(steps)


def _spans(steps: NDArray[np.int8]) -> list[Span]:
    """The path back from the end of both: for each step of the speech those of the sentence."""
    row, column = steps.shape[0] - 1, steps.shape[1] - 1
    spans = [(column, 0)] * row
    while row and column:
        first, end = spans[row - 1]
        spans[row - 1] = min(first, column - 1), max(end, column)
        step = steps[row, column]
        row, column = row - (step != SENTENCE_ALONE), column - (step != SPEECH_ALONE)
    return spans
