"""Tries every mutant on the new side and counts those that the gate notices."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from contract.corpus.steps import Corpus, Step
from contract.judge.compare import Difference
from contract.judge.comparison import Comparison, compare_replays
from contract.judge.exchange import Exchange
from contract.judge.judge import expectation, judge
from contract.judge.material import Material
from contract.mutants.definitions import Mutant
from contract.mutants.mutating_target import MutatingTarget
from contract.replay.replay import Replay, replay
from contract.targets.target import Target
from contract.values.answer_changes import changed

_LONG: Final = 30  # steps of a scenario; live mutants are not tried on longer ones
SelfTestProgress = Callable[[int, int], None]
Key = tuple[int, str, str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one mutant.

    `touched` counts the answers that it changed; `status_only`: comparing statuses alone would have
    noticed it. `shown` is the first difference that gave it away.
    """

    mutant: Mutant
    caught: bool
    status_only: bool
    touched: int
    shown: Difference | None = None


@dataclass
class Score:
    """All outcomes, and the findings of the control: the old service against itself."""

    outcomes: list[Outcome] = field(default_factory=list)
    control_findings: int = 0

    @property
    def missed(self) -> list[Outcome]:
        """The mutants that the gate did not notice."""
        return [outcome for outcome in self.outcomes if not outcome.caught]

    @property
    def passed(self) -> bool:
        """Whether the gate may judge: it noticed all mutants, and found nothing in the control."""
        return bool(self.outcomes) and not self.missed and not self.control_findings


@dataclass(frozen=True)
class _Base:
    """The comparison without any mutant, and the old service's answers."""

    found: Comparison
    old: Replay

    @property
    def known(self) -> frozenset[Key]:
        """Findings that do not count as noticing a mutant."""
        return frozenset(_key(f.step, f.difference) for f in self.found.findings)


async def self_test(
    material: Material,
    full: Comparison,
    old: Target,
    new: Target,
    mutants: Sequence[Mutant],
    progress: SelfTestProgress,
) -> list[Outcome]:
    """One outcome for each mutant; `progress` gets the number of tried and of missed mutants.

    `full` is the comparison without any mutant; its findings do not count as noticing. Mutants of
    answers are tried on the answers of `full`, the others by replaying the scenarios to `new` again.
    """
    known = frozenset(_key(f.step, f.difference) for f in full.findings)
    by_operation: dict[str, list[Exchange]] = {}
    for case in full.exchanges.values():
        by_operation.setdefault(case.request.operation, []).append(case)
    sizes = Counter(_scenario(step) for step in material.corpus.steps)
    steps = tuple(step for step in material.corpus.steps if _needed(step, sizes))
    short = replace(material, corpus=Corpus(steps, material.corpus.hash))
    base: _Base | None = None
    found: list[Outcome] = []
    for number, mutant in enumerate(mutants, start=1):
        if mutant.live:
            base = base or await _short_base(short, full, old, new)
            found.append(await _live(short, base, mutant, new))
        else:
            cases = by_operation.get(mutant.operation, [])
            found.append(_on_answers(material, full, cases, mutant, known))
        progress(number, sum(not outcome.caught for outcome in found))
    return found


def _on_answers(
    material: Material,
    base: Comparison,
    cases: Sequence[Exchange],
    mutant: Mutant,
    before: frozenset[Key],
) -> Outcome:
    touched = 0
    shown: Difference | None = None
    by_status = False
    may_show_status = "status" in mutant.change
    for case in cases:
        if not mutant.when.holds(case.words):
            continue
        answer = changed(case.new, mutant.change, case.words)
        if answer == case.new:
            continue
        touched += 1
        spoilt = case.answered(answer)
        shown = shown or _noticed(material, base, spoilt, before)
        if answer.status != case.new.status and not by_status:
            expected, _ = expectation(spoilt, material.rules, material.api)
            by_status = answer.status != expected.status
        if shown is not None and (by_status or not may_show_status):
            break
    return Outcome(mutant, shown is not None, by_status, touched, shown)


def _noticed(
    material: Material, base: Comparison, case: Exchange, before: frozenset[Key]
) -> Difference | None:
    for difference in judge(case, material.rules, material.api).differences:
        known = _key(case.index, difference) in before
        if not known and not base.noise.hides(case.index, difference):
            return difference
    return None


async def _live(material: Material, base: _Base, mutant: Mutant, target: Target) -> Outcome:
    new = await replay(material, MutatingTarget(target, mutant, material.api))
    after = compare_replays(material, base.old, new, base.found.noise)
    fresh = [f for f in after.findings if _key(f.step, f.difference) not in base.known]
    by_status = any(f.difference.kind == "status" for f in fresh)
    shown = fresh[0].difference if fresh else None
    return Outcome(mutant, bool(fresh), by_status, len(fresh), shown)


async def _short_base(material: Material, full: Comparison, old: Target, new: Target) -> _Base:
    """Both services on the short corpus, without any mutant."""
    async with asyncio.TaskGroup() as group:
        of_old = group.create_task(replay(material, old))
        of_new = group.create_task(replay(material, new))
    found = compare_replays(material, of_old.result(), of_new.result(), full.noise)
    return _Base(found, of_old.result())


def _needed(step: Step, sizes: Counter[str]) -> bool:
    """Whether live mutants are tried on this step: scenarios, set-up, and the spellings of the key.

    Each mutant takes a replay of its own, so long scenarios, by `sizes`, are left out.
    """
    if step.source.startswith("scenario/"):
        return sizes[_scenario(step)] <= _LONG
    return step.source.startswith("mutator/setup/") or "/keys/" in step.source


def _scenario(step: Step) -> str:
    return "/".join(step.source.split("/")[:2])


def _key(step: int, difference: Difference) -> Key:
    return step, difference.kind, difference.at, difference.actual
