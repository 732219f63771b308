"""Splits a turn into parts by the recordings of the providers' stand-ins, whose clock is this machine's."""

from __future__ import annotations

import itertools
import json
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fixtures.providers import REALISTIC
from fixtures.speech import SENTENCES
from fixtures.speech.sentences import question_of
from load.messages import Message
from load.metrics import WIRE, Metric

Recordings = Mapping[str, Sequence[Mapping[str, Any]]]

LATE: Final = 15.0  # seconds after a question in which its missing answer might have come
EARLY: Final = 1.5  # seconds that a preemptive request may come before the end of speech


@dataclass(frozen=True, slots=True)
class Moments:
    """The moments of a turn in their order, in seconds since the epoch."""

    spoke_until: float
    transcript: float
    requested: float
    first_token: float
    first_text: float
    first_sound: float
    at_the_ear: float
    late: float = 0.0  # seconds that the transcript took beyond the stand-in's configured delay

    def parts(self) -> dict[Metric, float]:
        """Milliseconds of each part of the turn; negative where the next part began first."""
        edges = [
            self.spoke_until, self.transcript, self.requested, self.first_token, self.first_text,
            self.first_sound, self.at_the_ear,
        ]  # fmt: skip
        spans = itertools.pairwise(edges)
        return {part: (end - begin) * 1000 for part, (begin, end) in zip(WIRE, spans, strict=True)}

    def possible(self) -> bool:
        """Whether the sound was sent before it was heard, and speech ended before its transcript."""
        return self.spoke_until < self.transcript and self.first_sound < self.at_the_ear

    def overhead(self) -> float:
        """Milliseconds of voice to voice without the providers' own time."""
        providers = (
            (self.first_token - self.requested) + (self.first_sound - self.first_text) + self.late
        )
        return (self.at_the_ear - self.spoke_until - providers) * 1000 - REALISTIC.stt_final


def recordings(url: str) -> dict[str, Any]:
    """The recordings of the stand-ins at `url`. Raises OSError when they do not respond."""
    with urllib.request.urlopen(f"{url}/recordings", timeout=30) as answer:  # noqa: S310 - our own
        found: dict[str, Any] = json.load(answer)
        return found


def moments_of(turns: Sequence[Message], seen: Recordings) -> Iterator[tuple[Message, Moments]]:
    """Each turn whose moments the recordings determine.

    The stand-ins do not know which call they serve. Where several callers asked the same question at the
    same time, and each stand-in saw as many requests, turns and requests are matched in order, since the
    parts of such turns take the same time. Where the counts differ (a missing answer, a repeated request),
    no turn is returned.
    """
    for question in dict.fromkeys(turn["said"] for turn in turns):
        same = sorted(
            (t for t in turns if t["said"] == question), key=lambda t: float(t["spoke_until"])
        )
        for together in _at_the_same_time(same):
            yield from _matched(together, seen)


def _at_the_same_time(turns: Sequence[Message]) -> Iterator[list[Message]]:
    """Group turns, which are in the order of their questions, whose times overlap."""
    together: list[Message] = []
    until = 0.0
    for turn in turns:
        if together and turn["spoke_until"] - EARLY > until:
            yield together
            together = []
        together.append(turn)
        until = max(until, turn["answered_at"] or turn["spoke_until"] + LATE)
    if together:
        yield together


def _matched(turns: list[Message], seen: Recordings) -> Iterator[tuple[Message, Moments]]:
    if any(turn["answered_at"] is None for turn in turns):
        return
    began = min(turn["spoke_until"] for turn in turns)
    ended = max(turn["answered_at"] for turn in turns)
    question, answer = SENTENCES.get(question_of(turns[0]["said"]) or ""), turns[0]["expected"]

    def within(kind: str, *names: str) -> list[Any]:
        """Entries whose moments lie within these turns, in the order of the last moment."""
        found = [
            entry
            for entry in seen[kind]
            if all(entry[n] is not None and began - EARLY <= entry[n] <= ended for n in names)
        ]
        return sorted(found, key=lambda entry: float(entry[names[-1]]))

    heard = [h for h in within("heard", "at") if h["text"] == question]
    asked = [
        a
        for a in within("asked", "at", "first_token_at")
        if _last_user_message(a["messages"]) == question
    ]
    spoken = [
        s
        for s in within("spoken", "first_text_at", "first_sound_at")
        if s["text"] and answer.startswith(s["text"].split(".")[0])
    ]
    if not len(heard) == len(asked) == len(spoken) == len(turns):
        return
    turns = sorted(turns, key=lambda turn: float(turn["answered_at"]))
    for turn, h, a, s in zip(turns, heard, asked, spoken, strict=True):
        moments = Moments(
            turn["spoke_until"], h["at"], a["at"], a["first_token_at"],
            s["first_text_at"], s["first_sound_at"], turn["answered_at"], h.get("late", 0.0),
        )  # fmt: skip
        if turn["right"] is not False and moments.possible():
            yield turn, moments


def _last_user_message(conversation: Sequence[Mapping[str, Any]]) -> str:
    users = [message for message in conversation if message.get("role") == "user"]
    content = users[-1].get("content") if users else ""
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content or "")
