"""The state that every API has, and the values that a profile derives."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from contract.api.api import Api
from contract.api.world import World
from contract.errors import BrokenInput
from contract.tests.another_api.lockers import PROFILE

REPAIRS = {"db-away": "db-back", "db-broken": "db-mended"}


def test_faults_last_until_their_repair() -> None:
    """A fault is present from its step to the step of its own repair; a restart repairs nothing."""
    world = World()
    for change in ("db-away", "db-broken", "restart", "db-back"):
        world.change(change, REPAIRS)
    assert (world.restarts, world.faults) == (1, {"db-broken"})
    world.change("db-back", REPAIRS)
    assert world.faults == {"db-broken"}
    world.change("db-mended", REPAIRS)
    assert world.faults == set()


def test_words_are_a_copy_of_the_state() -> None:
    """A mutant judges a step again after the run, so its words must not follow the world."""
    world = World()
    world.change("db-away", REPAIRS)
    words = world.words({}, Api.load(PROFILE).spec)
    world.change("db-back", REPAIRS)
    world.change("restart", REPAIRS)
    assert (words["world"].faults, words["world"].restarts) == ({"db-away"}, 0)


def test_an_api_reads_the_given_document_in_place_of_its_own(tmp_path: Path) -> None:
    """`--contract` replaces the document of the profile, and the schema of the id stays."""
    text = PROFILE.files.contract.read_text().replace("/parcels", "/packages")
    path = tmp_path / "other.yaml"
    path.write_text(text)
    api = Api.load(PROFILE, path)
    assert api.spec.new_id_pointer("POST /packages", 200) == "/receipt/code"
    assert Api.load(PROFILE).spec.new_id_pointer("POST /parcels", 200) == "/receipt/code"
    with pytest.raises(BrokenInput, match="cannot be read"):
        Api.load(PROFILE, tmp_path / "none.yaml")


def test_guarded_paths_match_from_their_begin() -> None:
    """The pattern of guarded paths holds from the first character; without one no path is guarded."""
    assert PROFILE.is_guarded("/parcels")
    assert not PROFILE.is_guarded("/v2/parcels")
    (default,) = (field.default for field in fields(PROFILE) if field.name == "guarded")
    open_profile = replace(PROFILE, guarded=str(default))
    assert not open_profile.is_guarded("/parcels")
    assert not open_profile.is_guarded("")


def test_names_follow_from_the_profile() -> None:
    """Symbols carry the profile's word and the step, the watching condition its peer."""
    assert PROFILE.ids.symbol_of(12) == "parcel-12"
    assert replace(PROFILE, peer="LiveKit").watching == "watch-livekit"
