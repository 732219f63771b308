"""The state of an API as far as its requests and answers show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from contract.api.facts import RequestFacts
from contract.api.specification import Specification
from contract.http.messages import Answer
from contract.targets.testbed import RESTART


@dataclass(slots=True)
class World:
    """Restarts and present faults; the world of an API adds what its requests have made true.

    An API whose answers depend on earlier requests subclasses it: `learn` takes in one answer, `words`
    gives the ledger and the mutants the words in which they speak of the state.
    """

    restarts: int = 0
    faults: set[str] = field(default_factory=set)

    def change(self, what: str, repairs: Mapping[str, str]) -> None:
        """Take in a restart, a fault, or the repair of a fault; `repairs` maps faults to repairs."""
        if what == RESTART:
            self.restarts += 1
        elif what in repairs:
            self.faults.add(what)
        else:
            self.faults = {fault for fault in self.faults if repairs[fault] != what}

    def learn(self, request: RequestFacts, answer: Answer) -> None:
        """Take in one answer of the new service."""

    def words(self, known: Mapping[str, Any], spec: Specification) -> dict[str, Any]:
        """The words of this API for one step, beside the `known` words of every API.

        `world` must be among them. The values are copies: the world goes on, and a mutant may judge
        the step again later.
        """
        del known, spec
        return {"world": replace(self, faults=set(self.faults))}
