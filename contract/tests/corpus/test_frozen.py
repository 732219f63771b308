"""The frozen requests."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from contract.agent_api.profile import PROFILE
from contract.corpus.frozen import freeze, load
from contract.corpus.steps import Step
from contract.errors import BrokenInput
from contract.http.messages import RECORDED_KEY, Answer, Request

FROZEN = PROFILE.files.corpus


def test_the_frozen_corpus_is_whole() -> None:
    """The committed requests match their hash and are no fewer than 1,500."""
    assert len(load(FROZEN).steps) >= 1500


def test_requests_carry_only_the_recordings_key() -> None:
    """No key but the placeholder stands in the corpus."""
    keys = {step.request.header("authorization") for step in load(FROZEN).steps}
    assert f"Bearer {RECORDED_KEY}" in keys


@pytest.mark.parametrize("change", ["cut", "edit", "empty", "gone"])
def test_a_changed_corpus_is_refused(tmp_path: Path, change: str) -> None:
    """Requests that were cut short, edited or are gone prove nothing."""
    shutil.copytree(FROZEN, tmp_path / "corpus")
    path = tmp_path / "corpus" / "requests.har"
    data = path.read_bytes()
    changed = {"cut": data[:-100], "edit": data.replace(b"Ada", b"Eve", 1), "empty": b""}
    if change == "gone":
        path.unlink()
    else:
        path.write_bytes(changed[change])
    with pytest.raises(BrokenInput, match=r"record"):
        load(tmp_path / "corpus")


def steps() -> list[Step]:
    """Steps with a group, a change and bytes that are no text."""
    json_type = (("Content-Type", "application/json"),)
    answer = Answer(200, json_type, b'{"id":"x"}')
    return [
        Step(0, "generated", Request("GET", "/a", ()), answer),
        Step(1, "scenario/x/a", Request("POST", "/b", json_type, b"\xff"), answer, "scenario/x/a"),
        Step(2, "scenario/x/a", Request("POST", "/b", (), b"\xfe"), answer, "scenario/x/a"),
        Step(3, "scenario/x/b", Request("GET", "/c?d", ()), answer, None, "restart"),
    ]


def test_frozen_steps_are_read_as_they_were(tmp_path: Path) -> None:
    """Sources, groups, changes, requests and answers survive, under the hash that freezing gave."""
    written = freeze(steps(), tmp_path / "new" / "corpus")
    assert load(tmp_path / "new" / "corpus") == written
    assert written.steps == tuple(steps())


def test_the_hash_is_that_of_the_file(tmp_path: Path) -> None:
    """`sha256sum -c requests.sha256` proves the corpus too: the hash is the file's own."""
    written = freeze(steps(), tmp_path)
    digest = hashlib.sha256((tmp_path / "requests.har").read_bytes()).hexdigest()
    assert written.hash == digest
    assert (tmp_path / "requests.sha256").read_text() == f"{digest}  requests.har\n"


def test_each_request_has_a_line(tmp_path: Path) -> None:
    """One line an entry, so that a changed request is a changed line in a diff; it stays JSON."""
    freeze(steps(), tmp_path)
    text = (tmp_path / "requests.har").read_text()
    assert [line.startswith('{"startedDateTime"') for line in text.splitlines()[1:]] == [True] * 4
    assert len(json.loads(text)["log"]["entries"]) == 4


def test_the_same_steps_freeze_to_the_same_bytes(tmp_path: Path) -> None:
    """A recording that gives the same requests changes no file."""
    assert freeze(steps(), tmp_path / "a").hash == freeze(steps(), tmp_path / "b").hash
    assert freeze(steps()[:3], tmp_path / "c").hash != freeze(steps(), tmp_path / "d").hash


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"log":{"entries":[]}}', "has no requests"),
        ('{"log":{}}', "is not a corpus"),
        ('{"log":{"entries":[{}]}}', "is not a corpus"),
        ('[{"log":1}]', "is not a corpus"),
        ("no json", "is not a corpus"),
    ],
)
def test_a_file_that_is_no_corpus_is_named(tmp_path: Path, text: str, words: str) -> None:
    """With a right hash, too, only a corpus with requests is one."""
    (tmp_path / "requests.har").write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    (tmp_path / "requests.sha256").write_text(f"{digest}  requests.har\n")
    with pytest.raises(BrokenInput, match=words):
        load(tmp_path)


@pytest.mark.parametrize("text", ["", "\n", None])
def test_a_corpus_without_its_hash_is_refused(tmp_path: Path, text: str | None) -> None:
    """Nothing is replayed that no hash vouches for: an empty or missing hash file is an error."""
    freeze(steps(), tmp_path)
    path = tmp_path / "requests.sha256"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(BrokenInput, match="no corpus at"):
        load(tmp_path)


def test_a_part_keeps_the_indexes_and_the_hash() -> None:
    """A part of a corpus has its steps in order under their own numbers."""
    whole = load(FROZEN)
    part = whole.only([7, 3])
    assert [step.index for step in part.steps] == [3, 7]
    assert part.hash == whole.hash
