"""The verdict of a run, its sentence, and verdict.json."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from contract.api.specification import Pair
from contract.judge.noise import Noise
from contract.judge.shrink import Shortest
from contract.ledger.audit import Fault
from contract.mutants.definitions import Mutant
from contract.mutants.self_test import Outcome, Score
from contract.report.verdict import SCHEMA, Report, Side, Verdict, write
from contract.tests.report.samples import answer, entry, get, material_of, report_of, side_of
from contract.values.expressions import Expression

PARCEL = answer({"code": "a", "locker": "x", "grams": 5})
LIGHTER = answer({"code": "a", "locker": "x", "grams": 4})
GONE = answer({"error": "gone"}, 410)


def mutant(name: str, kind: str = "status") -> Mutant:
    """A mutant."""
    return Mutant(name, kind, "GET /up", Expression.of("true", name), {"status": 500})


def outcome(
    name: str, *, caught: bool = True, by_status: bool = False, kind: str = "status"
) -> Outcome:
    """The outcome of a mutant."""
    return Outcome(mutant(name, kind), caught, by_status, touched=3)


def agreeing() -> Report:
    """A report of services that agree."""
    return report_of(get("/parcels/a", PARCEL, PARCEL))[0]


def differing() -> Report:
    """A report of services that differ in one place."""
    return report_of(get("/parcels/a", PARCEL, LIGHTER))[0]


def _with_fault(report: Report) -> None:
    report.faults.append(Fault("old-entry", "expired", "on 2026-01-01"))


def _with_failure(report: Report) -> None:
    report.failures.append("the new service hung")


def _with_gap(report: Report) -> None:
    report.unobserved.append(Pair("GET /up", 200, ()))


def _with_miss(report: Report) -> None:
    report.score = Score([outcome("m-1", caught=False), outcome("m-2")])


def _with_noise(report: Report) -> None:
    report.score = Score([outcome("m-1")], control_findings=2)


def _without_mutants(report: Report) -> None:
    report.score = Score()


def _with_mutants(report: Report) -> None:
    report.score = Score([outcome("m-1")])


def _without_sides(report: Report) -> None:
    report.sides = []


Spoil = Callable[[Report], None]
SPOILS: tuple[Spoil, ...] = (
    _with_fault, _with_failure, _with_gap, _with_miss, _with_noise, _without_mutants,
    _with_mutants, _without_sides,
)  # fmt: skip


def test_services_that_agree_are_at_parity() -> None:
    """Without a finding, a fault or a gap the verdict is parity, and the sentence has the numbers."""
    report = agreeing()
    assert report.verdict is Verdict.PARITY
    assert report.sentence.startswith("Parity: 1 requests were answered alike")


def test_a_difference_is_a_divergence() -> None:
    """One cluster is a divergence, counted in the singular."""
    report = differing()
    assert report.verdict is Verdict.DIVERGENCE
    assert report.sentence == "Divergence: 1 cluster of differences."


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (_with_fault, "Divergence: 1 fault of the ledger."),
        (_with_failure, "Inconclusive: the new service hung"),
        (_with_gap, "Inconclusive: documented and never observed: GET /up 200."),
        (_with_miss, "Inconclusive: seeded divergences were not noticed: m-1."),
        (_with_noise, "Inconclusive: the old service, compared with itself, is not silent."),
        (_without_mutants, "Inconclusive: no seeded divergence was tried."),
        (_without_sides, "Inconclusive: no service was compared."),
    ],
)
def test_the_sentence_names_what_spoils_parity(spoil: Spoil, sentence: str) -> None:
    """Whatever keeps agreeing services from parity is in the one sentence that people read."""
    report = agreeing()
    spoil(report)
    assert report.sentence == sentence
    assert report.verdict == sentence.partition(":")[0].lower()


@pytest.mark.parametrize("make", [agreeing, differing])
@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_sentence_and_verdict_never_contradict_each_other(
    make: Callable[[], Report], count: int
) -> None:
    """Of all mixtures of troubles, none has a sentence that begins with another verdict."""
    for spoils in combinations(SPOILS, count):
        report = make()
        for spoil in spoils:
            spoil(report)
        words = report.sentence.partition(":")[0].lower()
        assert words == report.verdict, [spoil.__name__ for spoil in spoils]


def test_a_failure_outweighs_a_divergence_and_a_divergence_a_gap() -> None:
    """A broken proof judges nothing; a finding is a finding, though some pairs were not observed."""
    report = differing()
    _with_gap(report)
    _with_miss(report)
    assert report.verdict.exit_code == 1
    _with_failure(report)
    assert report.verdict.exit_code == 2


def test_exit_codes() -> None:
    """0 parity, 1 divergence, 2 inconclusive, as scripts expect them."""
    assert {str(verdict): verdict.exit_code for verdict in Verdict} == {
        "parity": 0,
        "divergence": 1,
        "inconclusive": 2,
    }


def test_several_findings_are_counted_in_the_plural() -> None:
    """Clusters of all compared services count, beside the faults of the ledger."""
    report = differing()
    report.sides.append(Side("postgresql", report.sides[0].comparison))
    _with_fault(report)
    _with_fault(report)
    assert report.sentence == "Divergence: 2 clusters of differences and 2 faults of the ledger."


def test_entries_that_were_needed_are_counted_over_all_services() -> None:
    """Parity names how many entries it rests on; an entry's uses are those of every service."""
    used = entry("gone", "GET /parcels/{code}", "old.status == 404", status=410)
    samples = [get("/parcels/a", answer({"error": "gone"}, 404), GONE)]
    report, material = report_of(*samples, entries=(used, entry("idle")))
    report.sides.append(side_of("postgresql", samples, material))
    assert report.uses("gone") == 2
    assert report.sentence.endswith("but for what 1 entries of the ledger decided.")
    ledger = report.as_json()["ledger"]
    assert ledger == {"used": {"gone": 2}, "unused": ["idle"], "faults": []}


def full() -> Report:
    """A report with something in every part."""
    samples = [get("/parcels/a", PARCEL, LIGHTER), get("/up", PARCEL, PARCEL)]
    entries = (entry("idle"),)
    material = material_of(samples, entries)
    side = side_of("memory", samples, material, Noise({1: frozenset({"body /grams"})}))
    side.comparison.left_out[7] = "restart"
    (cluster,) = side.comparison.clusters
    report = Report(
        5,
        "ab" * 32,
        2,
        [Side("memory", side.comparison, {cluster.fingerprint: Shortest((0,), reduced=True)})],
    )
    report.entries = entries
    _with_fault(report)
    _with_gap(report)
    report.not_demanded.append(Pair("GET /up", 503, ("database-away",)))
    report.score = Score(
        [outcome("m-1", by_status=True), outcome("m-2", caught=False, kind="auth")], 1
    )
    report.warnings.append("No reset command.")
    return report


@pytest.mark.parametrize("make", [agreeing, differing, full, lambda: Report(1)])
def test_verdict_json_fits_its_schema(make: Callable[[], Report], tmp_path: Path) -> None:
    """Programs rely on verdict.schema.json, also for a run that broke before it compared."""
    write(make(), tmp_path / "new" / "folder")
    text = (tmp_path / "new" / "folder" / "verdict.json").read_text("utf-8")
    Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(json.loads(text))


def test_verdict_json_holds_all_parts() -> None:
    """Counts, services, pairs, clusters, ledger and self-test are those of the report."""
    found: dict[str, Any] = full().as_json()
    assert found["counts"] == {"clusters": 1, "findings": 1, "noise": 1}
    assert found["targets"] == [
        {
            "name": "memory",
            "compared": 2,
            "left_out": {"7": "restart"},
            "noise": ["step 1: body /grams"],
        }
    ]
    assert found["observed"] == [["GET /parcels/{code}", 200], ["GET /up", 200]]
    assert found["unobserved"] == [["GET /up", 200]]
    assert found["needs_fault"] == [["GET /up", 503, ["database-away"]]]
    (cluster,) = found["clusters"]
    assert cluster["example"] == {
        "step": 0, "at": "body /grams", "expected": "5", "actual": "4",
    }  # fmt: skip
    assert (cluster["steps"], cluster["minimal_replay"], cluster["target"]) == ([0], [0], "memory")
    assert found["ledger"]["faults"] == [["old-entry", "expired", "on 2026-01-01"]]
    assert found["self_test"] == {
        "mutants": 2,
        "caught": 1,
        "caught_by_status_alone": 1,
        "classes": ["auth", "status"],
        "missed": ["m-2"],
        "control_findings": 1,
    }


def test_the_same_run_writes_the_same_bytes(tmp_path: Path) -> None:
    """Nothing in the file changes from run to run, and it is ASCII whatever the services answer."""
    for name in ("a", "b"):
        odd = answer({"code": "\u00e9\U0001f3a7", "locker": "x", "grams": 5})
        write(report_of(get("/parcels/a", PARCEL, odd))[0], tmp_path / name)
    first, second = (tmp_path / name / "verdict.json" for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes().isascii()


def test_long_answers_are_cut_in_verdict_json() -> None:
    """An example of a cluster shows at most 2,000 characters of an answer."""
    old, new = (answer({"locker": letter * 5000}) for letter in "xy")
    (cluster,) = report_of(get("/parcels/a", old, new))[0].as_json()["clusters"]
    example = cluster["example"]
    assert (len(example["expected"]), len(example["actual"])) == (2000, 2000)


def test_without_a_shortest_replay_the_finding_stands_alone() -> None:
    """Where nothing was reduced, the replay of a cluster is the step that shows it."""
    samples = [get("/up", PARCEL, PARCEL), get("/parcels/a", PARCEL, LIGHTER)]
    (cluster,) = report_of(*samples)[0].as_json()["clusters"]
    assert cluster["minimal_replay"] == [1]
