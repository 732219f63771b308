"""The seeded divergences of the agent API."""

from __future__ import annotations

from collections import Counter

from contract.agent_api.profile import PROFILE
from contract.api.api import Api
from contract.mutants.definitions import load


def test_there_are_enough_of_each(api: Api) -> None:
    """The agent API has at least 120 mutants of 12 classes, and 10 for each of its operations."""
    mutants = load(PROFILE.files.mutants)
    by_operation = Counter(mutant.operation for mutant in mutants)
    assert len(mutants) >= 120
    assert len({mutant.kind for mutant in mutants}) >= 12
    assert set(by_operation) == set(api.spec.operations)
    assert min(by_operation.values()) >= 10
