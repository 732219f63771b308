"""Ledger files: their form, and the words that the committed one may use."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jinja2 import meta
from jinja2.sandbox import SandboxedEnvironment

from contract.agent_api.profile import PROFILE
from contract.api.api import Api
from contract.errors import BrokenInput
from contract.ledger.entries import load
from contract.mutants import definitions
from contract.tests.samples import answer, exchanged, request

ENTRY = """
- {id: one, operation: GET /a, new: {status: 201}, reason: r, owner: o, evidence: e,
   date: 2026-01-02, expires: 2026-01-03}
"""


def written(folder: Path, text: str) -> Path:
    """A ledger file."""
    path = folder / "ledger.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("text", ["", "[]", "entries:", "entries: {a: 1}", "other: []"])
def test_a_ledger_is_a_mapping_with_a_list(tmp_path: Path, text: str) -> None:
    """A file of another form does not load: it must not count as a ledger without entries."""
    with pytest.raises(BrokenInput, match="must be a mapping with a list named `entries`"):
        load(written(tmp_path, text))


def test_an_unreadable_ledger_is_refused(tmp_path: Path) -> None:
    """A missing file and bytes that are no UTF-8 are broken input."""
    with pytest.raises(BrokenInput, match="cannot be read"):
        load(tmp_path / "none.yaml")
    path = tmp_path / "bytes.yaml"
    path.write_bytes(b"entries: [\xff]")
    with pytest.raises(BrokenInput, match="cannot be read"):
        load(path)


def test_ids_are_unique(tmp_path: Path) -> None:
    """Reports name entries by their ids, so an id that appears twice is refused."""
    with pytest.raises(BrokenInput, match="ids that appear twice: one"):
        load(written(tmp_path, f"entries:{ENTRY}{ENTRY}"))


def test_an_entry_that_is_no_mapping_is_named_by_its_number(tmp_path: Path) -> None:
    """The message gives the place in the file, since the entry has no id."""
    with pytest.raises(BrokenInput, match="entry 2 is not a mapping"):
        load(written(tmp_path, f"entries:{ENTRY}- text"))


def test_an_entry_without_a_condition_holds_always(tmp_path: Path) -> None:
    """`when` and `demanded` may be left out; dates are dates."""
    (found,) = load(written(tmp_path, f"entries:{ENTRY}"))
    assert found.when.evaluate({}) is True
    assert (found.demanded, found.date) == (None, dt.date(2026, 1, 2))
    assert (found.new, found.operation) == ({"status": 201}, "GET /a")


def test_new_may_change_known_parts_alone(tmp_path: Path) -> None:
    """A misspelt part of `new` would demand nothing, so it is refused with the known ones."""
    text = ENTRY.replace("{status: 201}", "{status: 201, bdy: {}}")
    with pytest.raises(BrokenInput, match="`new` must name some of body, effects, headers"):
        load(written(tmp_path, f"entries:{text}"))


def texts(value: Any) -> Iterator[str]:
    """All expressions within a template."""
    if isinstance(value, str) and value.startswith("= "):
        yield value[2:]
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def unknown_words(expressions: dict[str, list[str]], known: set[str]) -> dict[str, set[str]]:
    """The words of each owner's expressions that are not known."""
    environment = SandboxedEnvironment()
    found = {}
    for owner, sources in expressions.items():
        trees = [environment.parse("{{ %s }}" % source) for source in sources]  # noqa: UP031
        words = set().union(*map(meta.find_undeclared_variables, trees)) - known
        if words:
            found[owner] = words
    return found


def test_committed_expressions_use_known_words_alone(api: Api) -> None:
    """A misspelt word fails only in the run that first needs it; here it fails at once.

    Expressions of mutants that fail count as not holding, so there a wrong word would hide for ever.
    """
    case = exchanged(api, request("GET", "/health"), answer({}), answer({}))
    known = {*case.words, "true", "false", "none"}
    ledger = {e.id: [e.when.text, *texts(e.new)] for e in load(PROFILE.files.ledger)}
    assert unknown_words(ledger, known) == {}
    mutants = {
        mutant.id: [
            mutant.when.text,
            *texts({k: v for k, v in mutant.change.items() if k != "instead"}),
        ]
        for mutant in definitions.load(PROFILE.files.mutants)
    }
    assert unknown_words(mutants, known) == {}
    assert unknown_words({"x": ["parcle.collected and path"]}, known) == {"x": {"parcle"}}


def test_committed_entries_name_operations_and_changes_of_the_api(api: Api) -> None:
    """An entry about an operation that does not exist could never be used."""
    changes = {"restart", PROFILE.watching, *PROFILE.faults}
    for entry in load(PROFILE.files.ledger):
        assert entry.operation == "*" or entry.operation in api.spec.operations, entry.id
        assert entry.demanded is None or entry.demanded in changes, entry.id
