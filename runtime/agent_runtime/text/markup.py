"""Markup in angle brackets, such as SSML's `<break time="1.5s" />`, which a speech service reads whole."""

from __future__ import annotations

import re
from typing import Final

# Characters that markup may have. An open `<` holds text back for as many at most: after that it is text.
LONGEST: Final = 256

_NAME: Final = r"[A-Za-z][\w:.-]*"
_ATTRIBUTE: Final = r"\s+[\w:.-]+\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'|[^\s\"'<>=]+)"
_TAG: Final = re.compile(rf"<(?:/?{_NAME}(?:{_ATTRIBUTE})*\s*/?|[!?#|][^<>]*)>")
# The beginning of a tag that may still become one.
_OPEN: Final = re.compile(
    rf"<(?:/?(?:{_NAME}(?:{_ATTRIBUTE})*"
    r"(?:\s+(?:[\w:.-]+\s*(?:=\s*(?:\"[^\"<]*|'[^'<]*|[^\s\"'<>=]*))?)?)?\s*/?)?|[!?#|][^<>]*)"
)


def end_of_tag(text: str, at: int) -> int | None:
    """The index behind the tag that begins at `at`; None when no complete tag begins there."""
    found = _TAG.match(text, at, at + LONGEST)
    return found.end() if found else None


def may_become_tag(text: str, at: int) -> bool:
    """Whether the text from `at` to its end is the beginning of a tag, as far as it goes."""
    return len(text) - at < LONGEST and _OPEN.fullmatch(text, at) is not None


def without_tags(text: str) -> str:
    """The text without its tags."""
    return _TAG.sub("", text) if "<" in text else text
