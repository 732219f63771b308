"""Typed values: places where two services may differ, and what the value must be in each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from contract.values.documents import Json

# Seconds by which the clocks of two machines may differ; a wrong hour or zone is further off.
CLOCK_SKEW: Final = 5.0
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Window:
    """A period in seconds since the epoch, by the gate's clock."""

    earliest: float
    latest: float


@dataclass(frozen=True, slots=True)
class Moment:
    """A time within a window, in a given form: its text with every digit as 9."""

    window: Window
    form: str = "9999-99-99T99:99:99.999Z"

    def fault(self, value: Json) -> str | None:
        """The fault of a value, or None."""
        if not isinstance(value, str):
            return "is no text"
        if form_of_time(value) != self.form:
            return f"is not written as {self.form}"
        try:
            seconds = datetime.fromisoformat(value).timestamp()
        except ValueError:
            return "is no time"
        if seconds < self.window.earliest - CLOCK_SKEW:
            return "is too early"
        if seconds > self.window.latest + CLOCK_SKEW:
            return "is too late"
        return None

    def __str__(self) -> str:
        return f"a time as {self.form}"


@dataclass(frozen=True, slots=True)
class Matching:
    """A text that a regular expression must match as a whole."""

    pattern: str

    def fault(self, value: Json) -> str | None:
        """The fault of a value, or None."""
        if not isinstance(value, str):
            return "is no text"
        return None if re.fullmatch(self.pattern, value) else f"does not match /{self.pattern}/"

    def __str__(self) -> str:
        return f"a text matching /{self.pattern}/"


Marker = Moment | Matching


def form_of_time(text: str) -> str:
    """The form of a time: its text with every digit as 9."""
    return _DIGIT.sub("9", text)


def form_of_id(text: str) -> str:
    """Length and alphabet of a generated id; nanoid's 64 characters count as one alphabet."""
    alphabet = "nanoid" if re.fullmatch(r"[A-Za-z0-9_-]+", text) else "other"
    return f"{len(text)} characters, {alphabet} alphabet"
