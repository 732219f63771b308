"""Reports for tests, from real comparisons of made-up answers."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from contract.api.api import Api
from contract.corpus.steps import Corpus, Step
from contract.http.messages import RECORDED_KEY, Answer, Request
from contract.judge.comparison import compare_replays
from contract.judge.material import Material
from contract.judge.noise import Noise
from contract.ledger.entries import Entry
from contract.replay.replay import Replay
from contract.report.verdict import Report, Side
from contract.tests.another_api.lockers import PROFILE
from contract.values.expressions import Expression

JSON = ("Content-Type", "application/json")
KEY = ("Authorization", f"Bearer {RECORDED_KEY}")
HASH = "ab" * 32


@dataclass(frozen=True)
class Sample:
    """One step: a request, and what the old and the new service answer."""

    request: Request
    old: Answer
    new: Answer
    together: str | None = None
    before: str | None = None


def answer(document: Any, status: int = 200, *headers: tuple[str, str]) -> Answer:
    """An answer of JSON; a text of bytes stays as it is."""
    raw = document if isinstance(document, bytes) else compact(document).encode()
    return Answer(status, (JSON, *headers), raw)


def compact(document: Any) -> str:
    """JSON text as services write it."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def get(target: str, old: Answer, new: Answer) -> Sample:
    """A GET with the right key."""
    return Sample(Request("GET", target, (KEY,)), old, new)


def store(code: str = "recorded-000", **more: Any) -> Sample:
    """A parcel that both services store, and hand out the same code for."""
    body = compact({"locker": "east-7", "grams": 1200, **more}).encode()
    request = Request("POST", "/parcels", (KEY, JSON)).with_body(body)
    both = answer({"receipt": {"code": code, "storedAt": "2026-01-01T00:00:00.000Z"}})
    return Sample(request, both, both)


def entry(name: str, operation: str = "*", when: str = "false", **more: Any) -> Entry:
    """A ledger entry."""
    return Entry(
        name, operation, Expression.of(when, name), more or {"status": 200}, "Decided.", "ops",
        "a test", dt.date(2026, 1, 1), dt.date(2999, 1, 1),
    )  # fmt: skip


def material_of(samples: Sequence[Sample], entries: tuple[Entry, ...] = ()) -> Material:
    """The samples as the corpus of the lockers."""
    steps = tuple(
        Step(index, f"scenario/life/{index}", one.request, one.old, one.together, one.before)
        for index, one in enumerate(samples)
    )
    return Material.of(Corpus(steps, HASH), _lockers()).ruled(entries)


@cache
def _lockers() -> Api:
    return Api.load(PROFILE)


def side_of(
    name: str, samples: Sequence[Sample], material: Material, noise: Noise | None = None
) -> Side:
    """The comparison of the old answers with the new ones."""
    old = Replay(answers={index: one.old for index, one in enumerate(samples)})
    new = Replay(answers={index: one.new for index, one in enumerate(samples)})
    return Side(name, compare_replays(material, old, new, noise or Noise()))


def report_of(*samples: Sample, entries: tuple[Entry, ...] = ()) -> tuple[Report, Material]:
    """A report with one compared service, and its material."""
    material = material_of(samples, entries)
    sides = [side_of("memory", samples, material)]
    report = Report(1, HASH, len(samples), sides, entries)
    return report, material
