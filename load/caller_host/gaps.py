"""Gaps in the agent's sound: pauses that the sentence, spoken undisturbed, does not have.

A voice speaks the words that it has: where text reaches it in pieces, it draws out the last word of a
piece, and the rest comes a quarter of a second later. That is not a gap. So the answer is aligned with the
undisturbed sentence by dynamic time warping of their levels (Sakoe and Chiba, "Dynamic programming
algorithm optimization for spoken word recognition", 1978), and each pause is compared with its counterpart.
Libraries of time warping cannot insert silence at any place, which is what a gap is.
"""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fixtures.speech import Sound

STEP: Final = 0.01  # seconds of sound in one level
SHORTEST: Final = 0.04  # seconds of the shortest gap that a listener notices
# Levels below these shares of the loudest step are quiet. A dropout is far below the quietest speech; the
# limit for the sentence's own pauses is higher, because the codec blurs their edges.
QUIET: Final = 0.01
QUIET_ITSELF: Final = 0.03
# Cost of a step that only one of the two sounds makes, in units of a level (0 to 1).
STRETCH: Final = 0.02
# Cost of a step of silence, anywhere. Without it a gap would be aligned with another pause of the sentence,
# and the words between them squeezed.
GAP: Final = 0.05
SENTENCE_ALONE: Final = 1  # directions of a step of the path; 0 is a step of both sounds
SPEECH_ALONE: Final = 2

# One level (0 to 1) for each step, from the first audible one to the last.
Levels = NDArray[np.float64]
Span = tuple[int, int]  # the first step, and the one after the last


def levels(sound: Sound) -> Levels:
    """Root mean square of each step, the loudest scaled to 1, without the silence around the speech."""
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
    """Quiet spans of at least 40 ms between two loud steps."""
    loud = np.flatnonzero(speech > quiet)
    shortest = round(SHORTEST / STEP)
    return [
        (int(before) + 1, int(after))
        for before, after in itertools.pairwise(loud)
        if after - before - 1 >= shortest
    ]


def gaps(heard: Sound, undisturbed: Sound) -> list[float]:
    """Seconds of each gap over 40 ms in `heard`; `undisturbed` is the same sentence without gaps."""
    speech, sentence = levels(heard), levels(undisturbed)
    found = pauses(speech)
    if not found or not len(sentence):
        return []
    usual = _usual(found, pauses(sentence, QUIET_ITSELF), _counterparts(speech, sentence))
    excess = [(end - begin - own) * STEP for (begin, end), own in zip(found, usual, strict=True)]
    longest_unheard = SHORTEST + STEP / 2  # pauses are whole steps
    return [seconds for seconds in excess if seconds > longest_unheard]


def _usual(found: list[Span], own: list[Span], counterparts: list[Span]) -> list[int]:
    """For each pause found in the answer, the steps for which the sentence itself pauses there."""
    usual = [0] * len(found)
    places = [(counterparts[begin][0], counterparts[end - 1][1]) for begin, end in found]
    for begin, end in own:
        shared = [min(end, last) - max(begin, first) for first, last in places]
        best = max(range(len(found)), key=lambda place: shared[place])
        if shared[best] > 0:
            usual[best] += end - begin
    return usual


def _counterparts(speech: Levels, sentence: Levels) -> list[Span]:
    """For each step of the speech, the steps of the sentence that the cheapest path aligns with it."""
    rows, columns = len(speech), len(sentence)
    # Square roots, so that quiet speech counts too; on the linear scale only vowels would.
    speech_root, sentence_root = np.sqrt(speech), np.sqrt(sentence)
    silent = np.where(speech > QUIET, np.inf, GAP)
    # The cost of a cell (row, column) depends only on the two diagonals before it; costs are kept by row.
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
    """Follow the path back from the end: for each step of the speech, those of the sentence."""
    row, column = steps.shape[0] - 1, steps.shape[1] - 1
    spans = [(column, 0)] * row
    while row and column:
        first, end = spans[row - 1]
        spans[row - 1] = min(first, column - 1), max(end, column)
        step = steps[row, column]
        row, column = row - (step != SENTENCE_ALONE), column - (step != SPEECH_ALONE)
    return spans
