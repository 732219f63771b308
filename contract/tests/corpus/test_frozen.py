"""The frozen requests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from contract.agent_api.profile import PROFILE
from contract.corpus.frozen import load
from contract.errors import BrokenInput
from contract.http.messages import RECORDED_KEY

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
