"""Values that may differ between two services, and what each must be on both sides."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from contract.values.documents import Json

# Clocks of two machines differ; a wrong hour or zone is further off than this.
CLOCK_SKEW: Final = 5.0
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time in seconds since the epoch, by the gate's clock."""

    earliest: float
    latest: float


@dataclass(frozen=True, slots=True)
class Moment:
    """A time within a window, written in a given form (digits as 9)."""

    window: Window
    form: str = "9999-99-99T99:99:99.999Z"

    def fault(self, value: Json) -> str | None:
        """What is wrong with a value, or None."""
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
    """A text of which only the form is fixed, by a regular expression over all of it."""

    pattern: str

    def fault(self, value: Json) -> str | None:
        """What is wrong with a value, or None."""
        if not isinstance(value, str):
            return "is no text"
        return None if re.fullmatch(self.pattern, value) else f"does not match /{self.pattern}/"

    def __str__(self) -> str:
        return f"a text matching /{self.pattern}/"


Marker = Moment | Matching


def form_of_time(text: str) -> str:
    """How a time is written: its text with every digit as 9."""
    return _DIGIT.sub("9", text)


def form_of_id(text: str) -> str:
    """Length and alphabet of a made-up id; nanoid's 64 characters count as one alphabet."""
    alphabet = "nanoid" if re.fullmatch(r"[A-Za-z0-9_-]+", text) else "other"
    return f"{len(text)} characters, {alphabet} alphabet"
