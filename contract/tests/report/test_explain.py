"""The suggested ledger entry of a finding."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract.errors import BrokenInput
from contract.http.messages import Answer
from contract.ledger import entries
from contract.report import verdict
from contract.report.explain import explain
from contract.tests.report.samples import JSON, answer, get, report_of

HTML = ("Content-Type", "text/html")
OLD = answer({"code": "a", "locker": "x", "grams": 5, "open": True}, 200, ("X-A", "1"))


def new(**changes: Any) -> Answer:
    """The old answer with some keys changed; None leaves a key out."""
    document = {"code": "a", "locker": "x", "grams": 5, "open": True, **changes}
    return answer({k: v for k, v in document.items() if v is not None}, 200, ("X-A", "1"))


def explained(old: Answer, other: Answer, folder: Path) -> str:
    """The explanation of the first finding of a run with one request."""
    report, _ = report_of(get("/parcels/a", old, other))
    verdict.write(report, folder)
    return explain(report.clusters[0][1].fingerprint, folder)


@pytest.mark.parametrize(
    ("old", "other"),
    [
        (OLD, new(grams=6)),
        (OLD, new(grams="5")),
        (OLD, new(grams=None)),
        (OLD, new(more=[1, {"a": None}])),
        (OLD, new(locker="yes")),
        (OLD, replace(OLD, body=OLD.body.replace(b":5", b":5.0"))),
        (OLD, replace(OLD, headers=(JSON, ("X-A", "2: x")))),
        (OLD, replace(OLD, headers=(JSON,))),
        (OLD, replace(OLD, headers=(*OLD.headers, ("X-B", "new")))),
        (OLD, answer([1, 2], 200, ("X-A", "1"))),
        (Answer(200, (JSON,), b""), Answer(200, (JSON,), b'{"a":1}')),
        (Answer(404, (HTML,), b"<p>old one"), Answer(404, (HTML,), b"<p>new one")),
        (replace(OLD, status=404), replace(OLD, status=410)),
    ],
    ids=[
        *("value", "type", "missing", "extra", "text", "number form", "header value"),
        *("header missing", "header extra", "another document", "body", "page", "status"),
    ],
)
def test_the_suggested_entry_accepts_its_finding(
    old: Answer, other: Answer, tmp_path: Path
) -> None:
    """Once a person gives condition, reason and owner, the entry loads and explains the finding."""
    (raw,) = yaml.safe_load(explained(old, other, tmp_path))
    assert raw["when"].startswith(f"old.status == {old.status} and ...")
    raw |= {"when": f"old.status == {old.status}", "reason": "Because.", "owner": "me"}
    path = tmp_path / "ledger.yaml"
    path.write_text(yaml.safe_dump({"entries": [raw]}), "utf-8")
    ledger = entries.load(path)
    again, _ = report_of(get("/parcels/a", old, other), entries=ledger)
    assert again.clusters == []
    assert again.uses(ledger[0].id) == 1


@pytest.mark.parametrize(
    ("old", "other"),
    [
        (OLD, replace(OLD, body=OLD.body.replace(b",", b", "))),
        (OLD, answer({"open": True, "code": "a", "locker": "x", "grams": 5}, 200, ("X-A", "1"))),
    ],
    ids=["layout", "key order"],
)
def test_what_no_entry_can_accept_gets_no_suggestion(
    old: Answer, other: Answer, tmp_path: Path
) -> None:
    """White space and key order cannot be decided away: no entry is proposed, and the text says why."""
    text = explained(old, other, tmp_path)
    assert yaml.safe_load(text) is None
    assert "# No entry of the ledger is proposed: no rule is about the" in text


def test_as_printed_the_entry_does_not_load(tmp_path: Path) -> None:
    """Without a person's reason and owner the ledger refuses the suggestion."""
    (raw,) = yaml.safe_load(explained(OLD, new(grams=6), tmp_path))
    path = tmp_path / "ledger.yaml"
    path.write_text(yaml.safe_dump({"entries": [raw]}), "utf-8")
    with pytest.raises(BrokenInput, match="`reason` is missing"):
        entries.load(path)


def test_the_entry_names_evidence_and_expires(tmp_path: Path) -> None:
    """The entry points back to its cluster and step, starts today and ends after 180 days."""
    before = dt.datetime.now(dt.UTC).date()
    text = explained(OLD, new(grams=6), tmp_path)
    (raw,) = yaml.safe_load(text)
    assert raw["operation"] == "GET /parcels/{code}"
    fingerprint = raw["id"].removeprefix("to-be-named-")
    assert raw["evidence"] == f"cluster {fingerprint}, step 0"
    assert before <= raw["date"] <= dt.datetime.now(dt.UTC).date()
    assert raw["expires"] - raw["date"] == dt.timedelta(days=180)


def test_the_comment_shows_the_difference(tmp_path: Path) -> None:
    """Above the entry stand place, number of requests, and both values, cut to 300 characters."""
    text = explained(OLD, new(locker="y" * 900), tmp_path)
    head = [line for line in text.splitlines() if line.startswith("#")]
    assert head[0] == "# GET /parcels/{code}: value at body /locker, in 1 places"
    assert head[1] == '# expected "x"'
    assert head[2] == f'# actual   "{"y" * 299}'


def test_the_begin_of_a_fingerprint_is_enough(tmp_path: Path) -> None:
    """A few characters find the cluster; none find nothing, though every text begins with none."""
    text = explained(OLD, new(grams=6), tmp_path)
    fingerprint = yaml.safe_load(text)[0]["id"].removeprefix("to-be-named-")
    assert explain(fingerprint[:4], tmp_path) == text
    with pytest.raises(BrokenInput, match=f"it has: {fingerprint}"):
        explain("", tmp_path)


def test_an_unknown_cluster_lists_the_known_ones(tmp_path: Path) -> None:
    """The message of a wrong fingerprint has the right ones; after a clean run, none."""
    explained(OLD, new(grams=6), tmp_path)
    with pytest.raises(BrokenInput, match=r"no cluster ffffffffffff; it has: [0-9a-f]{12}$"):
        explain("ffffffffffff", tmp_path)
    verdict.write(report_of(get("/parcels/a", OLD, OLD))[0], tmp_path)
    with pytest.raises(BrokenInput, match="it has: none"):
        explain("ffffffffffff", tmp_path)


@pytest.mark.parametrize("text", [None, "", "{"])
def test_without_a_run_there_is_nothing_to_explain(text: str | None, tmp_path: Path) -> None:
    """A missing or broken verdict.json is named, with the remedy."""
    if text is not None:
        (tmp_path / "verdict.json").write_text(text)
    with pytest.raises(BrokenInput, match=r"verdict\.json cannot be read: run the gate first"):
        explain("abc", tmp_path)
