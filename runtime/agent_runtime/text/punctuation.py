"""Finds the end of a sentence or clause by the last character of a word."""

from __future__ import annotations

from typing import Final

# Marks that end a sentence: Latin, Devanagari, full-width.
_SENTENCE: Final = frozenset(".!?\u2026\u0964\u0965\u3002\uff01\uff1f")
_CLAUSE: Final = frozenset(",;:\u2013\u2014\u3001\uff0c\uff1b\uff1a")
_CLOSING: Final = "\"')]\u201d\u2019\u00bb"

# Language codes (ISO 639) of languages without spaces between words.
UNSPACED: Final = frozenset({"zh", "yue", "ja", "th", "lo", "km", "my"})


def ends_sentence(text: str) -> bool:
    """Return whether `text` ends a sentence; closing quotes and brackets are ignored."""
    return text.rstrip(_CLOSING)[-1:] in _SENTENCE


def ends_clause(text: str) -> bool:
    """Return whether `text` ends a clause, as with a comma; closing quotes and brackets are ignored."""
    return text.rstrip(_CLOSING)[-1:] in _CLAUSE
