"""The results as JUnit XML, as continuous integration reads them."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from contract.api.specification import Pair
from contract.ledger.audit import Fault
from contract.mutants.definitions import Mutant
from contract.mutants.self_test import Outcome, Score
from contract.report import junit
from contract.report.verdict import Report
from contract.tests.report.samples import answer, entry, get, report_of
from contract.values.expressions import Expression

PARCEL = answer({"code": "a", "grams": 5})
Cases = dict[str, str | None]


def read(report: Report, folder: Path) -> dict[str, Cases]:
    """Per suite, each case with its failure; the counts of a suite must be right."""
    junit.write(report, folder)
    root = ET.parse(folder / "junit.xml").getroot()  # noqa: S314 - our own file
    assert (root.tag, root.get("name")) == ("testsuites", "parity gate")
    found: dict[str, Cases] = {}
    for suite in root:
        cases: Cases = {}
        for case in suite:
            assert case.get("classname") == f"parity.{suite.get('name')}"
            failure = case.find("failure")
            cases[case.get("name") or ""] = None if failure is None else failure.text or ""
        assert suite.get("tests") == str(len(list(suite)))
        failed = sum(text is not None for text in cases.values())
        assert suite.get("failures") == str(failed)
        found[suite.get("name") or ""] = cases
    return found


def outcome(name: str, *, caught: bool) -> Outcome:
    """The outcome of a mutant that changed seven answers."""
    expression = Expression.of("true", name)
    mutant = Mutant(name, "status", "GET /up", expression, {"status": 1})
    return Outcome(mutant, caught, status_only=False, touched=7)


def test_parity_has_no_failure(tmp_path: Path) -> None:
    """Of services that agree, every case passes: the verdict and each observed pair."""
    report, _ = report_of(get("/parcels/a", PARCEL, PARCEL), get("/up", PARCEL, PARCEL))
    assert read(report, tmp_path / "new") == {
        "verdict": {"verdict": None},
        "documented pairs": {"GET /parcels/{code} 200": None, "GET /up 200": None},
        "ledger": {},
        "self-test": {},
    }


def test_each_cluster_is_a_failed_case_with_both_values(tmp_path: Path) -> None:
    """A cluster fails under its fingerprint, service and title, and leads to the place."""
    report, _ = report_of(get("/parcels/a", PARCEL, answer({"code": "b", "grams": 5})))
    ((_, cluster),) = report.clusters
    cases = read(report, tmp_path)["verdict"]
    assert cases == {
        "verdict": report.sentence,
        f"{cluster.fingerprint} memory {cluster.title}": (
            "operation GET /parcels/{code}\nplace body /code\nkind value\n"
            'first step 0, of 1 findings\nexpected "a"\nactual "b"'
        ),
    }


def test_an_inconclusive_run_fails(tmp_path: Path) -> None:
    """A run that proves nothing must not be green, though it found no difference."""
    report, _ = report_of(get("/up", PARCEL, PARCEL))
    report.failures.append("the new service hung")
    assert read(report, tmp_path)["verdict"] == {"verdict": "Inconclusive: the new service hung"}
    assert read(Report(1), tmp_path)["verdict"] == {
        "verdict": "Inconclusive: no service was compared."
    }


def test_a_pair_that_was_not_observed_fails(tmp_path: Path) -> None:
    """A documented answer that nobody saw is a failed case beside the observed ones."""
    report, _ = report_of(get("/up", PARCEL, PARCEL))
    report.unobserved.append(Pair("GET /parcels/{code}", 410, ()))
    assert read(report, tmp_path)["documented pairs"] == {
        "GET /up 200": None,
        "GET /parcels/{code} 410": "documented and never observed",
    }


def test_an_entry_fails_with_all_its_faults_and_no_others(tmp_path: Path) -> None:
    """Each ledger entry is a case; its faults, and only its own, are the failure."""
    entries = (entry("first"), entry("second"))
    report, _ = report_of(get("/up", PARCEL, PARCEL), entries=entries)
    report.faults += [Fault("second", "expired", "in May"), Fault("second", "unused", "by any")]
    assert read(report, tmp_path)["ledger"] == {
        "first": None,
        "second": "expired: in May\nunused: by any",
    }


def test_a_missed_mutant_fails(tmp_path: Path) -> None:
    """Each seeded divergence is a case; one that nobody noticed fails with what it changed."""
    report, _ = report_of(get("/up", PARCEL, PARCEL))
    report.score = Score([outcome("seen", caught=True), outcome("missed", caught=False)])
    assert read(report, tmp_path)["self-test"] == {
        "GET /up seen": None,
        "GET /up missed": "not noticed; it changed 7 answers",
    }


def test_characters_that_xml_forbids_are_escaped(tmp_path: Path) -> None:
    """Controls and half surrogates of an answer appear as escapes, so that the file stays XML."""
    odd = "a\0b\x1b\ufffe \u00e9\U0001f3a7 <&>\"'"
    report, _ = report_of(get("/up", PARCEL, PARCEL))
    report.failures.append(f"{odd}\ud800 \t\n end")
    (failure,) = read(report, tmp_path)["verdict"].values()
    expected = "a\\x00b\\x1b\\ufffe \u00e9\U0001f3a7 <&>\"'\\ud800 \t\n end"
    assert failure == f"Inconclusive: {expected}"


def test_long_values_are_cut(tmp_path: Path) -> None:
    """A failure's text has 2,000 characters of a value, its message 200."""
    report, _ = report_of(get("/up", answer({"a": "x" * 9000}), answer({"a": "y"})))
    cases = read(report, tmp_path)["verdict"]
    (text,) = (text for name, text in cases.items() if name != "verdict" and text)
    assert len(text.partition("\nexpected ")[2]) == 2000 + len('\nactual "y"')
    root = ET.parse(tmp_path / "junit.xml").getroot()  # noqa: S314 - our own file
    assert max(len(f.get("message") or "") for f in root.iter("failure")) == 200
