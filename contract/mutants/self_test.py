"""Tries every mutant on the new side and counts those that the gate notices."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from contract.corpus.frozen import Corpus, Step
from contract.judge.compare import Difference
from contract.judge.comparison import Comparison, Material, judged
from contract.judge.judge import Exchange, expectation, judge
from contract.mutants.definitions import Mutant
from contract.mutants.mutating_target import MutatingTarget
from contract.replay.replay import Replay, replay
from contract.targets.target import Target
from contract.values.answer_changes import changed

Say = Callable[[int, int], None]
Key = tuple[int, str, str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one mutant.

    `touched` counts the answers that it changed, `status_only` tells whether comparing statuses
    alone would have noticed it, `shown` is the first difference that gave it away.
    """

    mutant: Mutant
    caught: bool
    status_only: bool
    touched: int
    shown: Difference | None = None


@dataclass
class Score:
    """All outcomes, and whether the identity control was silent."""

    outcomes: list[Outcome] = field(default_factory=list)
    control_findings: int = 0

    @property
    def missed(self) -> list[Outcome]:
        """The mutants that nobody noticed."""
        return [outcome for outcome in self.outcomes if not outcome.caught]

    @property
    def passed(self) -> bool:
        """Whether the gate may pass judgement: all caught, and silent when nothing differs."""
        return bool(self.outcomes) and not self.missed and not self.control_findings


@dataclass(frozen=True)
class _Base:
    """What is found without any mutant, and the old service's answers."""

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
    say: Say,
) -> list[Outcome]:
    """One outcome for each mutant.

    `full` is what was found without any mutant; its findings do not count as noticing. Mutants of
    answers are tried on the answers of `full`, the others by replaying the directed scenarios to
    `new` again.
    """
    known = frozenset(_key(f.step, f.difference) for f in full.findings)
    steps = tuple(step for step in material.corpus.steps if _needed(step))
    short = replace(material, corpus=Corpus(steps, material.corpus.hash))
    base: _Base | None = None
    found: list[Outcome] = []
    for number, mutant in enumerate(mutants, start=1):
        if mutant.live:
            base = base or await _short_base(short, full, old, new)
            found.append(await _live(short, base, mutant, new))
        else:
            found.append(_on_answers(material, full, mutant, known))
        say(number, sum(not outcome.caught for outcome in found))
    return found


def _on_answers(
    material: Material, base: Comparison, mutant: Mutant, before: frozenset[Key]
) -> Outcome:
    touched = 0
    shown: Difference | None = None
    by_status = False
    for case in base.exchanges.values():
        if case.request.operation != mutant.operation or not mutant.when.holds(case.vocabulary):
            continue
        answer = changed(case.new, mutant.change, case.vocabulary)
        if answer == case.new:
            continue
        touched += 1
        spoilt = case.answered(answer)
        shown = shown or _noticed(material, base, spoilt, before)
        expected, _ = expectation(spoilt, material.entries, material.spec)
        by_status = by_status or answer.status != expected.status
        if shown is not None and by_status:
            break
    return Outcome(mutant, shown is not None, by_status, touched, shown)


def _noticed(
    material: Material, base: Comparison, case: Exchange, before: frozenset[Key]
) -> Difference | None:
    for difference in judge(case, material.entries, material.spec).differences:
        known = _key(case.index, difference) in before
        if not known and not base.noise.hides(case.index, difference):
            return difference
    return None


async def _live(material: Material, base: _Base, mutant: Mutant, target: Target) -> Outcome:
    layer = MutatingTarget(target, mutant, material.spec)
    new = await replay(material.corpus.steps, material.requests, layer, material.spec)
    after = judged(material, base.old, new, base.found.noise)
    fresh = [f for f in after.findings if _key(f.step, f.difference) not in base.known]
    by_status = any(f.difference.kind == "status" for f in fresh)
    shown = fresh[0].difference if fresh else None
    return Outcome(mutant, bool(fresh), by_status, len(fresh), shown)


async def _short_base(material: Material, full: Comparison, old: Target, new: Target) -> _Base:
    """Both services on the short corpus, without any mutant."""
    steps, requests = material.corpus.steps, material.requests
    async with asyncio.TaskGroup() as group:
        of_old = group.create_task(replay(steps, requests, old, material.spec))
        of_new = group.create_task(replay(steps, requests, new, material.spec))
    found = judged(material, of_old.result(), of_new.result(), full.noise)
    return _Base(found, of_old.result())


def _needed(step: Step) -> bool:
    """Whether live mutants are tried on this step: directed scenarios, and the kinds of key."""
    return step.source.startswith(("scenario/", "mutator/setup/")) or "/keys/" in step.source


def _key(step: int, difference: Difference) -> Key:
    return step, difference.kind, difference.at, difference.actual
