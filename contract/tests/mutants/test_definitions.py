"""Files of mutants: their form, and the seeded divergences of the agent API."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from contract.agent_api.profile import PROFILE
from contract.api.api import Api
from contract.errors import BrokenInput
from contract.mutants.definitions import CLASSES, Mutant, load
from contract.values.expressions import Expression


def test_there_are_enough_of_each(api: Api) -> None:
    """The agent API has at least 120 mutants of 12 classes, and 10 for each of its operations."""
    mutants = load(PROFILE.files.mutants)
    by_operation = Counter(mutant.operation for mutant in mutants)
    assert len(mutants) >= 120
    assert len({mutant.kind for mutant in mutants}) >= 12
    assert set(by_operation) == set(api.spec.operations)
    assert min(by_operation.values()) >= 10


def test_every_class_of_the_agent_api_is_seeded() -> None:
    """A class without a mutant would be a promise that nothing keeps."""
    assert {mutant.kind for mutant in load(PROFILE.files.mutants)} == CLASSES


def written(folder: Path, text: str) -> Path:
    """A file of mutants."""
    path = folder / "mutants.yaml"
    path.write_text(text)
    return path


def of(folder: Path, mutant: str) -> Mutant:
    """The only mutant of a file."""
    (found,) = load(written(folder, f"mutants: {{ GET /a: [{mutant}] }}"))
    return found


@pytest.mark.parametrize("text", ["", "[]", "mutants: []", "mutants:", "mutants: ["])
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    """Mutants are a mapping from operations to lists; an empty file must not pass for no mutants."""
    with pytest.raises(BrokenInput, match="is not a file of mutants"):
        load(written(tmp_path, text))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A profile that names no existing file is broken input."""
    with pytest.raises(BrokenInput, match="is not a file of mutants"):
        load(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("mutant", "words"),
    [
        ("{id: m, change: {status: 1}}", "mutant m of GET /a lacks 'class'"),
        ("{id: m, class: status}", "mutant m of GET /a lacks 'change'"),
        ("{class: status, change: {status: 1}}", r"mutant \? of GET /a lacks 'id'"),
        ("{id: m, class: colour, change: {status: 1}}", "unknown class colour"),
        ("{id: m, class: status, change: {statsu: 1}}", "unknown change statsu"),
        ("{id: m, class: status, change: {}}", r"unknown change \(none\)"),
        ("{id: m, class: status, change: twice}", "mutant m of GET /a: `change` is no mapping"),
        ("text", "a mutant of GET /a is no mapping"),
        ("{id: m, class: status, when: 'a b', change: {status: 1}}", "`when` does not parse"),
    ],
)
def test_a_faulty_mutant_is_named(tmp_path: Path, mutant: str, words: str) -> None:
    """A mutant that could never do anything does not load, and the message has its name."""
    with pytest.raises(BrokenInput, match=words):
        of(tmp_path, mutant)


@pytest.mark.parametrize("raws", ["", "text", "{id: m}"])
def test_the_mutants_of_an_operation_are_a_list(tmp_path: Path, raws: str) -> None:
    """An operation without a list is named, since its mutants would silently be none."""
    with pytest.raises(BrokenInput, match="the mutants of GET /a are no list"):
        load(written(tmp_path, f"mutants:\n  GET /a: {raws}"))


def test_ids_are_unique_over_all_operations(tmp_path: Path) -> None:
    """Reports name mutants by their ids alone."""
    one = "[{id: m, class: status, change: {status: 1}}]"
    with pytest.raises(BrokenInput, match="ids that appear twice: m"):
        load(written(tmp_path, f"mutants: {{ GET /a: {one}, GET /b: {one} }}"))


def test_a_mutant_without_a_condition_happens_to_successes(tmp_path: Path) -> None:
    """The default is every 200 with JSON; other answers stay."""
    found = of(tmp_path, "{id: m, class: status, change: {status: 1}}")
    for status, kind, holds in ((200, "json", True), (200, "html", False), (404, "json", False)):
        assert found.when.holds({"new": {"status": status, "kind": kind}}) is holds


@pytest.mark.parametrize(
    ("kind", "when", "change", "needs"),
    [
        ("status", "true", {"status": 201}, ""),
        ("auth", "true", {"key": "right"}, "live"),
        ("state", "true", {"status": 1, "stale": True}, "live"),
        ("persistence", "true", {"restart": "reset"}, "live restart"),
        ("persistence", "world.restarts and new.body", {"body": "{}"}, "restart"),
        ("side-effect", "watched", {"effects": "none"}, "watching"),
    ],
)
def test_a_mutant_knows_what_it_needs_to_show(
    kind: str, when: str, change: dict[str, object], needs: str
) -> None:
    """Changes of requests need a replay of their own, some mutants a restart or a watched peer."""
    mutant = Mutant("m", kind, "GET /a", Expression.of(when, "when"), change)
    found = {"live": mutant.live, "restart": mutant.needs_restart}
    found["watching"] = mutant.needs_watching
    assert {name for name, needed in found.items() if needed} == set(needs.split())
