"""Finds the places where text may be cut, as it arrives.

The script of the text decides. Between words with spaces, text is cut at a space. Chinese, Japanese, Thai
and others have none, so there text is cut after a mark. Neither a tag nor a character with its combining
marks is ever cut in two.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final, NamedTuple

from agent_runtime.text.markup import end_of_tag, may_become_tag
from agent_runtime.text.punctuation import (
    CLAUSE_MARKS,
    CLOSING,
    LATIN_MARKS,
    NUMBER_MARKS,
    SENTENCE_MARKS,
    UNSPACED,
    WORD_MARKS,
)

_MARKS: Final = re.escape(f"{SENTENCE_MARKS}{CLAUSE_MARKS}{WORD_MARKS}")
_LATIN: Final = re.escape(LATIN_MARKS)
# A place to look at: markup, a space, or a mark with the marks and closing quotes behind it.
_PLACE: Final = re.compile(
    rf"<|\s+|(?:[{_MARKS}]|(?<=[{UNSPACED}])[{_LATIN}])[{_MARKS}{_LATIN}]*[{re.escape(CLOSING)}]*"
)
_ADDRESS: Final = re.compile(r"://|www\.|@")
# What belongs to the character before it without being a combining mark by its category (of Unicode's
# Grapheme_Cluster_Break): joiners, Thai and Lao vowels, half-width sound marks, emoji's skin colours.
_EXTENDS: Final = re.compile("[\u200c\u200d\u0e33\u0eb3\uff9e\uff9f\U0001f3fb-\U0001f3ff]")


class Unit(NamedTuple):
    """Text that is not cut, and whether a space follows it."""

    text: str
    spaced: bool


class UnitReader:
    """Takes text as it arrives and returns the complete units; the rest is held back."""

    def __init__(self) -> None:
        self._rest = ""
        self._seen = 0  # index in `_rest` before which nothing is left to decide

    def push(self, text: str) -> Iterator[Unit]:
        """Yield the units that `text` completes."""
        self._rest += text
        return self._units(is_end=False)

    def end(self) -> Iterator[Unit]:
        """Yield all that is held back; the next text begins anew."""
        yield from self._units(is_end=True)
        if self._rest:
            yield Unit(self._rest, spaced=False)
        self._rest, self._seen = "", 0

    def _units(self, *, is_end: bool) -> Iterator[Unit]:
        while (place := _PLACE.search(self._rest, self._seen)) is not None:
            start, end = place.span()
            if place[0] == "<":
                closed = end_of_tag(self._rest, start)
                if closed is None and not is_end and may_become_tag(self._rest, start):
                    self._seen = start
                    return
                self._seen = closed or end
            elif self._is_inside(start, end):
                if end == len(self._rest) and not is_end:
                    self._seen = start
                    return
                self._seen = end
            else:
                yield from self._cut(start, end)
        self._seen = len(self._rest)

    def _cut(self, start: int, end: int) -> Iterator[Unit]:
        spaced = self._rest[start].isspace()
        while not spaced and end < len(self._rest) and _extends(self._rest[end]):
            end += 1
        text, self._rest = self._rest[: start if spaced else end], self._rest[end:]
        self._seen = 0
        # Spaces alone are yielded, too: a mark before them may have been the end of the unit.
        yield Unit(text, spaced)

    def _is_inside(self, start: int, end: int) -> bool:
        """Whether the mark or space belongs to what stands around it, or may do so."""
        after = self._rest[end : end + 1]
        if self._rest[start].isspace():
            return bool(after) and _extends(after)
        mark = self._rest[start:end]
        if mark[0] in LATIN_MARKS:
            return _ADDRESS.search(self._rest, 0, start) is not None
        if mark in NUMBER_MARKS and self._rest[max(start - 1, 0) : start].isdigit():
            return not after or after.isdigit()
        return False


def _extends(char: str) -> bool:
    """Whether the character combines with the one before it."""
    return unicodedata.category(char)[0] == "M" or _EXTENDS.match(char) is not None
