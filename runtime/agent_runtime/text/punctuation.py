"""Where a sentence or a clause ends, by the last character of a word."""

from __future__ import annotations

from typing import Final

# Latin, Devanagari, full-width.
_SENTENCE: Final = frozenset(".!?\u2026\u0964\u0965\u3002\uff01\uff1f")
_CLAUSE: Final = frozenset(",;:\u2013\u2014\u3001\uff0c\uff1b\uff1a")
_CLOSING: Final = "\"')]\u201d\u2019\u00bb"

# Languages that put no spaces between words.
UNSPACED: Final = frozenset({"zh", "yue", "ja", "th", "lo", "km", "my"})


def ends_sentence(text: str) -> bool:
    """Whether `text` ends as a sentence does, quotes and brackets apart."""
    return text.rstrip(_CLOSING)[-1:] in _SENTENCE


def ends_clause(text: str) -> bool:
    """The same for a comma and its like."""
    return text.rstrip(_CLOSING)[-1:] in _CLAUSE
