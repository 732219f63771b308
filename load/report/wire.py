"""Where a turn's time went, from what the providers' stand-ins saw; their clock is this machine's."""

from __future__ import annotations

import itertools
import json
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fixtures.providers import REALISTIC
from fixtures.speech import SENTENCES
from load.messages import Message
from load.stages import WIRE, Stage

EARLY: Final = 1.5  # seconds before the end of speech in which speculation may have asked already


@dataclass(frozen=True, slots=True)
class Moments:
    """Seconds since the epoch, in the order of a turn."""

    spoke_until: float
    transcript: float
    asked: float
    first_token: float
    first_text: float
    first_sound: float
    at_the_ear: float

    def parts(self) -> dict[Stage, float]:
        """Milliseconds of each part of the turn; negative where the next had begun before."""
        edges = [
            self.spoke_until, self.transcript, self.asked, self.first_token, self.first_text,
            self.first_sound, self.at_the_ear,
        ]  # fmt: skip
        spans = itertools.pairwise(edges)
        return {part: (end - begin) * 1000 for part, (begin, end) in zip(WIRE, spans, strict=True)}

    def overhead(self) -> float:
        """Milliseconds of voice-to-voice that the providers did not take."""
        providers = (self.first_token - self.asked) + (self.first_sound - self.first_text)
        return (self.at_the_ear - self.spoke_until - providers) * 1000 - REALISTIC.stt_final


def recordings(url: str) -> dict[str, Any]:
    """What the stand-ins at `url` received. Raises OSError when they are gone."""
    with urllib.request.urlopen(f"{url}/recordings", timeout=30) as answer:  # noqa: S310 - our own
        found: dict[str, Any] = json.load(answer)
        return found


def moments_of(turn: Message, seen: Mapping[str, Sequence[Mapping[str, Any]]]) -> Moments | None:
    """The turn at the stand-ins; None when it cannot be told for certain from another call's."""
    began, ended = turn["spoke_until"], turn["answered_at"]
    if ended is None or not turn["right"]:
        return None
    question = SENTENCES.get(turn["said"])
    heard = [h for h in seen["heard"] if h["text"] == question and began <= h["at"] <= ended]
    asked = [
        a
        for a in seen["asked"]
        if _last_words(a["messages"]) == question
        and began - EARLY <= a["at"] <= ended
        and a["first_token_at"] is not None
    ]
    spoken = [
        s
        for s in seen["spoken"]
        if s["first_sound_at"] is not None
        and began - EARLY <= s["first_text_at"] <= s["first_sound_at"] <= ended
        and turn["expected"].startswith(s["text"].split(".")[0])
        and s["text"]
    ]
    if len(heard) != 1 or len(asked) != 1 or len(spoken) != 1:
        return None
    return Moments(
        began,
        heard[0]["at"],
        asked[0]["at"],
        asked[0]["first_token_at"],
        spoken[0]["first_text_at"],
        spoken[0]["first_sound_at"],
        ended,
    )


def _last_words(said: Sequence[Mapping[str, Any]]) -> str:
    users = [message for message in said if message.get("role") == "user"]
    content = users[-1].get("content") if users else ""
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content or "")
