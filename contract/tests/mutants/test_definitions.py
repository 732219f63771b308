"""The catalogue of seeded divergences."""

from __future__ import annotations

from collections import Counter

from contract.api.specification import Specification
from contract.mutants.definitions import load


def test_there_are_enough_of_each(spec: Specification) -> None:
    """At least 120 mutants, 12 classes, and 10 for each operation of the contract."""
    mutants = load()
    by_operation = Counter(mutant.operation for mutant in mutants)
    assert len(mutants) >= 120
    assert len({mutant.kind for mutant in mutants}) >= 12
    assert set(by_operation) == set(spec.operations)
    assert min(by_operation.values()) >= 10
