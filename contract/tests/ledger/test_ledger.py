"""The ledger: what does not load, what its audit finds."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from contract.agent_api.profile import PROFILE
from contract.api.api import Api
from contract.corpus.steps import Corpus, Step
from contract.errors import BrokenInput
from contract.http.messages import Answer, Request
from contract.judge.comparison import compare_replays
from contract.judge.material import Material
from contract.judge.noise import Noise
from contract.ledger.audit import audit
from contract.ledger.entries import Entry, load
from contract.replay.replay import Replay

ENTRY = """
- id: ready
  operation: GET /ready
  when: old.status == 200
  new: { body: { status: ready } }
  reason: probes need it
  owner: someone
  date: 2026-01-01
  expires: 2999-01-01
  evidence: docs
"""
JSON = ("Content-Type", "application/json; charset=utf-8")
TODAY = dt.date(2026, 6, 1)


def ledger(tmp_path: Path, text: str) -> tuple[Entry, ...]:
    """A ledger with this list of entries."""
    path = tmp_path / "ledger.yaml"
    path.write_text("entries:" + text.replace("\n", "\n  "))
    return load(path)


def test_the_committed_ledger_loads() -> None:
    """Every entry of the repository has all that an entry needs."""
    assert len(load(PROFILE.files.ledger)) > 30


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("  reason: probes need it\n", "", "`reason` is missing"),
        ("reason: probes need it", "reason: ' '", "`reason` is missing"),
        ("expires: 2999-01-01", "expires: soon", "`expires` must be a date"),
        ("when: old.status == 200", "when: old.status ==", "does not parse"),
        ("new: { body: { status: ready } }", "new: {}", "`new` must name"),
        ("evidence: docs", "evidence: docs\n  severity: low", "unknown field severity"),
        ("- id: ready", "- id: [", "cannot be read"),
    ],
)
def test_a_faulty_entry_is_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    """An entry without a reason, with a wrong date or expression does not load, and says why."""
    with pytest.raises(BrokenInput, match=words):
        ledger(tmp_path, ENTRY.replace(old, new))


def run(api: Api, entries: tuple[Entry, ...], new: str) -> tuple[Material, list[str]]:
    """One GET /ready, judged: the material and the problems that the audit finds."""
    request = Request("GET", "/ready", ())
    old_answer = Answer(200, (JSON,), b'{"status":"healthy"}', 1.0, 2.0)
    step = Step(0, "scenario/x", request, old_answer)
    material = Material.of(Corpus((step,), ""), api).ruled(entries)
    old = Replay(answers={0: old_answer})
    found = compare_replays(
        material, old, Replay(answers={0: Answer(200, (JSON,), new.encode(), 1.0, 2.0)}), Noise()
    )
    faults = audit(material, entries, [found], TODAY, frozenset(), 1)
    return material, [f.difference.kind for f in found.findings] + [f.problem for f in faults]


def test_an_entry_accepts_exactly_what_it_says(tmp_path: Path, api: Api) -> None:
    """What the entry says passes, its neighbours are caught, anything else is a finding."""
    entries = ledger(tmp_path, ENTRY)
    assert run(api, entries, '{"status":"ready"}')[1] == []
    assert run(api, entries, '{"status":"ok"}')[1] == ["value"]
    assert run(api, entries, '{"status":"healthy"}')[1] == ["value"]


def test_an_expired_entry_fails(tmp_path: Path, api: Api) -> None:
    """An entry whose date is over must be decided again."""
    entries = ledger(tmp_path, ENTRY.replace("2999", "2026"))
    assert run(api, entries, '{"status":"ready"}')[1] == ["expired"]


def test_an_unused_entry_fails(tmp_path: Path, api: Api) -> None:
    """An entry that nothing needs must go."""
    entries = ledger(tmp_path, ENTRY.replace("old.status == 200", "old.status == 500"))
    assert "unused" in run(api, entries, '{"status":"healthy"}')[1]


def test_a_leaking_entry_fails(tmp_path: Path, api: Api) -> None:
    """An entry that would accept other words too is found out by its neighbours."""
    wide = ENTRY.replace("status: ready", """status: "= matching('.*')" """)
    assert "leaks" in run(api, ledger(tmp_path, wide), '{"status":"ready"}')[1]
