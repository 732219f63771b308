"""The freezing of a corpus: what a file holds, and its hash."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.corpus.frozen import freeze, load
from contract.corpus.steps import Corpus, Step
from contract.errors import BrokenInput
from contract.tests.samples import request, step

STEPS = (
    step(0, request("POST", "/a", {"x": 1}), source="generated"),
    step(1, request("POST", "/b"), together="rush"),
    step(2, request("GET", "/c"), before="restart"),
)


def test_frozen_steps_are_read_as_they_were(tmp_path: Path) -> None:
    """Origin, group, change and recorded answer of each step come back, under the same hash."""
    frozen = freeze(STEPS, tmp_path / "new" / "corpus")
    found = load(tmp_path / "new" / "corpus")
    assert found.hash == frozen.hash
    assert [(s.source, s.together, s.before) for s in found.steps] == [
        ("generated", None, None),
        ("scenario/test/step", "rush", None),
        ("scenario/test/step", None, "restart"),
    ]
    assert [s.request for s in found.steps] == [s.request for s in STEPS]
    assert [s.recorded.body for s in found.steps] == [b"{}"] * 3
    assert [s.index for s in found.steps] == [0, 1, 2]


def test_the_file_has_one_entry_a_line(tmp_path: Path) -> None:
    """A changed request is one changed line of the corpus, so that people can review it."""
    freeze(STEPS, tmp_path)
    lines = (tmp_path / "requests.har").read_text().splitlines()
    assert sum('"_source"' in line for line in lines) == len(STEPS) == len(lines) - 1
    assert (tmp_path / "requests.sha256").read_text().endswith("  requests.har\n")


def test_the_hash_depends_on_every_step(tmp_path: Path) -> None:
    """Equal steps have one hash; another order or origin is another corpus."""
    hashes = {
        freeze(steps, tmp_path).hash
        for steps in (STEPS, STEPS[::-1], STEPS[:2], (STEPS[0], STEPS[0], STEPS[2]))
    }
    assert len(hashes) == 4
    assert freeze(STEPS, tmp_path / "b").hash in hashes


@pytest.mark.parametrize(
    ("steps", "words"), [((), "has no requests"), (None, "is not a corpus of this gate")]
)
def test_a_file_without_requests_is_refused(
    tmp_path: Path, steps: tuple[Step, ...] | None, words: str
) -> None:
    """An empty corpus, and a HAR file of another tool with a fitting hash, prove nothing."""
    import hashlib

    freeze(steps or (), tmp_path)
    if steps is None:
        path = tmp_path / "requests.har"
        path.write_text('{"log": {"entries": [{"request": {}}]}}')
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        (tmp_path / "requests.sha256").write_text(digest)
    with pytest.raises(BrokenInput, match=words):
        load(tmp_path)


def test_a_corpus_without_a_hash_is_refused(tmp_path: Path) -> None:
    """A hash file that is empty or gone is no freeze."""
    freeze(STEPS, tmp_path)
    (tmp_path / "requests.sha256").write_text("")
    with pytest.raises(BrokenInput, match="no corpus at"):
        load(tmp_path)
    (tmp_path / "requests.sha256").unlink()
    with pytest.raises(BrokenInput, match="no corpus at"):
        load(tmp_path)


def test_a_part_of_a_corpus_keeps_order_indexes_and_hash() -> None:
    """Steps keep their indexes, whatever the order in which they are wanted; unknown ones are none."""
    part = Corpus(STEPS, "h").only([2, 0, 99])
    assert ([s.index for s in part.steps], part.hash) == ([0, 2], "h")
