"""The audit of a ledger: entries that are unused, demanded, leaking or not testable."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from contract.api.api import Api
from contract.http.messages import Answer, Request
from contract.judge.comparison import Comparison, compare_replays
from contract.judge.material import Material
from contract.judge.noise import Noise
from contract.ledger.audit import Fault, audit
from contract.ledger.entries import Entry
from contract.replay.replay import Replay
from contract.tests.another_api.lockers import PROFILE
from contract.tests.samples import answer, material, request, step
from contract.values.expressions import Expression

API = Api.load(PROFILE)
TODAY = dt.date(2026, 6, 1)
READ = request("GET", "/parcels/x")


def entry(new: dict[str, Any], when: str = "old.status == 404", **other: Any) -> Entry:
    """An entry about reads of parcels."""
    found = Entry(
        id="the-entry",
        operation="GET /parcels/{code}",
        when=Expression.of(when, "when"),
        new=new,
        reason="r",
        owner="o",
        evidence="e",
        date=dt.date(2026, 1, 1),
        expires=dt.date(2999, 1, 1),
    )
    return replace(found, **other)


Pairs = list[tuple[Answer, Answer]]


def compared(
    tried: Entry, pairs: Pairs, sent: Request = READ, noise: Noise | None = None
) -> tuple[Material, Comparison]:
    """The comparison of pairs of an old and a new answer to one request."""
    steps = material(API, *(step(n, sent) for n in range(len(pairs)))).ruled((tried,))
    old = Replay(answers={n: pair[0] for n, pair in enumerate(pairs)})
    new = Replay(answers={n: pair[1] for n, pair in enumerate(pairs)})
    return steps, compare_replays(steps, old, new, noise or Noise())


def faults(
    tried: Entry, pairs: Pairs, cannot: frozenset[str] = frozenset(), noise: Noise | None = None
) -> list[Fault]:
    """The faults of one entry in a run with these answers."""
    steps, found = compared(tried, pairs, noise=noise)
    return audit(steps, (tried,), [found], TODAY, cannot, 1)


UNKNOWN = answer({"error": "unknown"}, 404)
GONE = answer({"error": "gone"}, 410)
EXACT = entry({"status": 410, "body": {"error": "gone"}})


def test_an_exact_entry_has_no_faults() -> None:
    """An entry that is used and whose neighbours are all noticed stays."""
    assert faults(EXACT, [(UNKNOWN, GONE)]) == []


@pytest.mark.parametrize(
    ("expires", "problems"), [(TODAY - dt.timedelta(1), ["expired"]), (TODAY, [])]
)
def test_an_entry_expires_after_its_last_day(expires: dt.date, problems: list[str]) -> None:
    """On the day itself an entry still holds."""
    found = faults(replace(EXACT, expires=expires), [(UNKNOWN, GONE)])
    assert [fault.problem for fault in found] == problems


def test_an_entry_may_stay_unused_where_its_change_is_impossible() -> None:
    """What `demanded` names excuses an unused entry only when the targets cannot make it."""
    healthy = [(answer({}), answer({}))]
    after_restart = replace(EXACT, demanded="restart")
    assert [fault.problem for fault in faults(EXACT, healthy, frozenset({"restart"}))] == ["unused"]
    assert [fault.problem for fault in faults(after_restart, healthy)] == ["unused"]
    assert faults(after_restart, healthy, frozenset({"restart"})) == []


def test_one_new_service_that_needs_an_entry_is_enough() -> None:
    """With several new services an entry is used when one of them needs it."""
    steps, unused = compared(EXACT, [(answer({}), answer({}))])
    used_steps, used = compared(EXACT, [(UNKNOWN, GONE)])
    assert audit(used_steps, (EXACT,), [unused, used], TODAY, frozenset(), 1) == []
    assert len(audit(steps, (EXACT,), [unused, unused], TODAY, frozenset(), 1)) == 1


def test_an_entry_that_accepts_a_neighbour_leaks() -> None:
    """A pattern that accepts any text is named with the neighbour that passed."""
    wide = entry({"status": 410, "body": {"error": "= matching('.*')"}})
    found = faults(wide, [(UNKNOWN, GONE)])
    assert {(fault.entry, fault.problem) for fault in found} == {("the-entry", "leaks")}
    assert [fault.detail for fault in found] == ["step 0: another error was not noticed"]


def test_an_entry_that_follows_the_new_answer_leaks() -> None:
    """An entry that demands what the new service answered accepts everything."""
    circular = entry({"status": 410, "body": "= new.body"})
    assert "leaks" in {fault.problem for fault in faults(circular, [(UNKNOWN, GONE)])}


def test_its_answer_must_not_pass_for_other_requests() -> None:
    """Where the entry does not hold, its accepted answer is a difference, or a fault of the audit."""
    steps, found = compared(EXACT, [(UNKNOWN, GONE), (answer({"a": 1}), answer({"a": 1}))])
    assert audit(steps, (EXACT,), [found], TODAY, frozenset(), 1) == []
    second = entry({"status": 410, "body": {"error": "gone"}}, "old.status == 200", id="other")
    lax = steps.ruled((EXACT, second))
    (fault,) = audit(lax, (EXACT,), [found], TODAY, frozenset(), 1)
    assert (fault.problem, fault.detail) == ("leaks", "its answer passed for step 1 too")


def test_an_answer_that_is_the_other_one_anyway_proves_nothing() -> None:
    """Another request that had the same answer but for its times is no leak."""
    assert faults(EXACT, [(UNKNOWN, GONE), (GONE, GONE)]) == []
    early, late = (answer({"storedAt": f"1970-01-01T00:00:01.{n}00Z"}) for n in (5, 9))
    timed = entry({"status": 200, "body": {"storedAt": "= moment(now)"}})
    assert faults(timed, [(UNKNOWN, early), (late, late)]) == []


def test_noise_can_make_an_entry_leak() -> None:
    """A neighbour in a place that noise hides is not noticed, so the entry is not held there."""
    noise = Noise({0: frozenset({"body /error"})})
    found = faults(EXACT, [(UNKNOWN, GONE)], noise=noise)
    assert {fault.detail for fault in found} == {
        "step 0: no error was not noticed",
        "step 0: error as null was not noticed",
        "step 0: another error was not noticed",
    }


def test_an_entry_with_few_neighbours_is_untested() -> None:
    """Two neighbours prove nothing about an entry."""
    bare = Answer(404, (), b"x", 1.0, 2.0)
    found = faults(entry({"text": "y"}), [(bare, replace(bare, body=b"y"))])
    assert "untested" in {fault.problem for fault in found}


def test_the_seed_chooses_the_same_cases_again() -> None:
    """Two audits with one seed try the same neighbours."""
    wide = entry({"status": 410, "body": {"error": "= matching('.*')"}})
    pairs = [(UNKNOWN, answer({"error": f"gone {n}"}, 410)) for n in range(12)]
    assert faults(wide, pairs) == faults(wide, pairs)
    assert len({fault.detail.partition(":")[0] for fault in faults(wide, pairs)}) == 3
