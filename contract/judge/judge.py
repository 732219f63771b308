"""Judges one answer of the new service: applies the rules to the old answer, then compares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contract.api.api import Api
from contract.judge.compare import Difference, Expectation, differences, expected_from
from contract.judge.exchange import Exchange
from contract.judge.rules import Rule, rewritten
from contract.values.typed_values import Window


@dataclass(frozen=True, slots=True)
class Judgement:
    """The differences that no rule accepts, and the ids of the applied rules."""

    differences: tuple[Difference, ...]
    used: tuple[str, ...]


def expectation(
    case: Exchange, rules: Sequence[Rule], api: Api
) -> tuple[Expectation, tuple[str, ...]]:
    """What the new service must answer, and the ids of the rules that changed it.

    Raises BrokenInput when an expression of a rule fails.
    """
    places = api.spec.typed_places.get((case.request.operation, case.old.status))
    expected = expected_from(case.old, places, Window(case.new.sent, case.new.received))
    used = []
    for rule in rules:
        if rule.concerns(case.request.operation) and rule.when.evaluate(case.words):
            changed = rewritten(expected, rule, case.words)
            if changed != expected:
                used.append(rule.id)
            expected = changed
    return expected, tuple(used)


def judge(case: Exchange, rules: Sequence[Rule], api: Api) -> Judgement:
    """Judge one exchange. Raises BrokenInput when an expression of a rule fails."""
    expected, used = expectation(case, rules, api)
    return Judgement(tuple(differences(expected, case.new, api.profile.peer)), used)
