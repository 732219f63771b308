"""The page for people: what stands on it, and that answers cannot break it."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from contract.api.specification import Pair
from contract.http.messages import Effect, Request
from contract.judge.material import Material
from contract.judge.noise import Noise
from contract.judge.shrink import Shortest
from contract.ledger.audit import Fault
from contract.mutants.definitions import Mutant
from contract.mutants.self_test import Outcome, Score
from contract.report import page
from contract.report.verdict import Report, Side
from contract.targets.testbed import Coverage
from contract.tests.report.samples import (
    JSON,
    KEY,
    Sample,
    answer,
    entry,
    get,
    material_of,
    report_of,
    side_of,
    store,
)
from contract.values.expressions import Expression

PARCEL = answer({"code": "a", "locker": "x", "grams": 5})
VOID = frozenset({"meta", "br"})
CELLS = frozenset({"td", "th", "dt", "dd", "li", "p", "h1", "h2", "summary"})


class Page(HTMLParser):
    """The text of a page, its marks by class, and whether its elements nest rightly."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words = ""
        self.marks: dict[str, list[str]] = {"gone": [], "new": []}
        self.links: list[str] = []
        self._open: list[tuple[str, str]] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        found = dict(attrs)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self._open.append((tag, found.get("class") or ""))

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost element, which must be this one."""
        assert self._open.pop()[0] == tag
        self.words += " " if tag in CELLS else ""

    def handle_data(self, data: str) -> None:
        """Take in text."""
        tag, css = self._open[-1] if self._open else ("", "")
        if tag == "style":
            return
        self.words += data
        if tag == "mark":
            self.marks[css].append(data)


def written(report: Report, material: Material | None, folder: Path) -> Page:
    """The page of a report."""
    page.write(report, material, folder)
    return Page((folder / "index.html").read_text("utf-8"))


def test_the_verdict_is_the_headline(tmp_path: Path) -> None:
    """The sentence stands in the headline, which has the verdict's colour."""
    report, material = report_of(get("/parcels/a", PARCEL, PARCEL))
    found = written(report, material, tmp_path / "new")
    assert report.sentence in found.words
    assert "The ledger explains every difference." in found.words
    assert '<h1 class="parity">' in (tmp_path / "new" / "index.html").read_text()


def test_a_run_that_compared_nothing_claims_nothing(tmp_path: Path) -> None:
    """A page of a run that broke at its start shows the cause, and no word of agreement."""
    report = Report(1, failures=["--new cannot be reached"])
    found = written(report, None, tmp_path)
    assert "Inconclusive: --new cannot be reached" in found.words
    assert "No service was compared." in found.words
    assert "explains every difference" not in found.words


def test_a_cluster_shows_request_answers_and_what_differs(tmp_path: Path) -> None:
    """Both answers stand side by side, indented, with exactly the differing lines marked."""
    other = replace(
        answer({"code": "a", "locker": "x", "grams": 6}), headers=(JSON, ("X-New", "1"))
    )
    report, material = report_of(get("/parcels/a?since=2001-01-01", PARCEL, other))
    found = written(report, material, tmp_path)
    assert "GET /parcels/a?since=2001-01-01\nAuthorization: Bearer" in found.words
    # Each of the two clusters shows them once.
    assert found.marks == {"gone": ['  "grams": 5'] * 2, "new": ["x-new: 1", '  "grams": 6'] * 2}
    assert "Request, step 0 (scenario/life/0)" in found.words
    for _, cluster in report.clusters:
        assert f"python -m contract explain {cluster.fingerprint}" in found.words


def test_the_shortest_replay_is_pasted(tmp_path: Path) -> None:
    """The commands are those of the shortest replay, or of the step alone where there is none."""
    samples = [store("recorded-000"), get("/parcels/recorded-000", PARCEL, answer({"code": "b"}))]
    report, material = report_of(*samples)
    alone = written(report, material, tmp_path)
    assert "POST" not in alone.words
    side = report.sides[0]
    replays = {
        cluster.fingerprint: Shortest((0, 1), reduced=True) for _, cluster in report.clusters
    }
    report.sides = [Side(side.name, side.comparison, replays)]
    whole = written(report, material, tmp_path)
    assert "PARCEL_0=$(curl" in whole.words
    assert "\"$URL\"'/parcels/'$PARCEL_0''" in whole.words


@pytest.mark.parametrize(
    "odd",
    ["<script>alert(1)</script>", "</pre></body>", "&amp; &", "{{ 7 * 7 }}", "a\ud800b", "é 🎧"],
)
def test_answers_cannot_break_the_page(odd: str, tmp_path: Path) -> None:
    """Markup, template syntax and half surrogates of an answer are shown as the text that they are."""
    # Escapes of JSON give half surrogates, which no UTF-8 file can hold.
    new = answer(json.dumps({"a": odd}).encode())
    report, material = report_of(get("/parcels/a", answer({"a": "plain"}), new))
    found = written(report, material, tmp_path)
    shown = odd.encode("utf-8", "replace").decode()
    assert f'  "a": "{shown}"' in found.marks["new"]


def test_the_page_needs_no_network(tmp_path: Path) -> None:
    """One file holds everything: it links to no style, script or image."""
    report, material = report_of(get("/parcels/a", PARCEL, answer({})))
    assert written(report, material, tmp_path).links == []


def test_calls_to_the_peer_are_shown_with_the_answers(tmp_path: Path) -> None:
    """A call that only one service makes to its peer stands, marked, below its answer."""
    called = replace(PARCEL, effects=(Effect("Open", '{"locker":"x"}'),))
    report, material = report_of(get("/parcels/a", PARCEL, called))
    found = written(report, material, tmp_path)
    assert found.marks == {"gone": [], "new": ['peer: Open {"locker":"x"}']}


def test_long_messages_and_long_lists_are_cut(tmp_path: Path) -> None:
    """A page shows 6,000 characters of a request and 12 differences of a step."""
    keys = [f"k{n:02}" for n in range(20)]
    old, new = ({key: f"{key}-{who}" for key in keys} for who in ("old", "new"))
    body = b'{"locker":"' + b"z" * 9000 + b'"}'
    request = Request("POST", "/parcels", (KEY, JSON)).with_body(body)
    report, material = report_of(Sample(request, answer(old, 400), answer({**new, "more": 1}, 409)))
    found = written(report, material, tmp_path)
    assert 5000 < found.words.count("z") <= 6000
    row = "<td>value<br>"
    text = (tmp_path / "index.html").read_text()
    assert text.count("<tr><td>") - text.count("<tr><td><code>") == 12, text.count(row)


def test_ledger_gaps_and_self_test_have_their_tables(tmp_path: Path) -> None:
    """Entries with their uses, faults, missing pairs, mutants, noise and coverage are all shown."""
    samples = [get("/parcels/a", answer({"error": "no"}, 404), answer({"error": "gone"}, 410))]
    used = entry("gone", "GET /parcels/{code}", "true", status=410, set={"/error": "gone"})
    entries = (used, entry("idle"))
    material = material_of(samples, entries)
    side = side_of("memory", samples, material, Noise({3: frozenset({"header etag"})}))
    report = Report(1, "ab" * 32, 1, [side], entries)
    report.faults.append(Fault("idle", "unused", "no request needed it"))
    report.unobserved.append(Pair("GET /up", 200, ()))
    report.not_demanded.append(Pair("GET /up", 503, ("database-away", "peer-away")))
    mutant = Mutant("up-500", "status", "GET /up", Expression.of("true", "x"), {"status": 500})
    report.score = Score([Outcome(mutant, caught=False, status_only=False, touched=3)])
    report.coverage = Coverage("lockers.api", 91.26)
    report.warnings.append("No reset command.")
    words = " ".join(written(report, material, tmp_path).words.split())
    for part in (
        "ledger entries used 1 of 2",
        "idle unused no request needed it",
        "gone GET /parcels/{code} 1 Decided. ops, 2999-01-01",
        "Documented and not observed GET /up 200",
        "GET /up 503 database-away, peer-away",
        "0 of 1 seeded divergences were noticed",
        "up-500 status GET /up no no",
        "step 3: header etag",
        "coverage of lockers.api 91.3 %",
        "No reset command.",
        "abababababab",
    ):
        assert part in words, part
    report.coverage = Coverage("lockers.api")
    assert "coverage of" not in written(report, material, tmp_path).words
