"""The whole run: compare, check the ledger, test itself, shrink what was found."""

from __future__ import annotations

import asyncio
import datetime as dt
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from contract.agent_api.services.coverage import Reach
from contract.api.specification import Specification
from contract.corpus import frozen as corpus
from contract.errors import BudgetSpent, Inconclusive
from contract.judge.comparison import Material, judged, replayed, unobserved
from contract.judge.noise import Noise
from contract.judge.noise import learn as learn_noise
from contract.judge.shrink import minimal
from contract.ledger import entries
from contract.ledger.audit import audit
from contract.mutants import definitions as catalogue
from contract.mutants.definitions import Mutant
from contract.mutants.self_test import Score, self_test
from contract.options import Options
from contract.replay.replay import Progress, Replay
from contract.report.verdict import Report, Side
from contract.targets.target import Target
from contract.testbed.testbed import Stage, stage

Say = Callable[[str], None]
_EVERY = 250
_SHRUNK = 12  # clusters for each target that get a shortest replay


class Gate:
    """One run. `report` and `material` hold whatever was found, also when the run breaks."""

    def __init__(self, options: Options, say: Say) -> None:
        self.options = options
        self.report = Report(options.seed)
        self.material: Material | None = None
        self._say = say
        self._replays: dict[str, Replay] = {}
        self._reach: Reach | None = None

    async def run(self) -> None:
        """Run all phases; whatever goes wrong is in the report afterwards."""
        try:
            async with asyncio.timeout(self.options.budget):
                if self.options.coverage:
                    await self._measured()
                else:
                    await self._phases()
        except TimeoutError:
            spent = BudgetSpent(f"the budget of {self.options.budget:g} s is over")
            self.report.failures.append(str(spent))
        except Inconclusive as error:
            self.report.failures.append(str(error))

    async def _measured(self) -> None:
        with tempfile.TemporaryDirectory(prefix="parity-reach-") as folder:
            self._reach = Reach(Path(folder))
            await self._phases()
            self.report.coverage = await asyncio.to_thread(self._reach.percent)

    async def _phases(self) -> None:
        material = self._read()
        self._say("starting and checking the services")
        async with stage(self.options, self._reach) as targets:
            material = self.material = replace(material, watched=targets.watched)
            if not targets.can_reset:
                self.report.warnings.append(
                    "Some target has no reset command: it must be fresh, and findings are not "
                    "reduced to their shortest replay."
                )
            await self._compare(material, targets)
            if self.options.command != "compare" and not self.report.failures:
                await self._test_itself(material, targets)
            if targets.can_reset:
                await self._shrink(material, targets)

    def _read(self) -> Material:
        spec = Specification.load(self.options.contract)
        ledger = entries.load(self.options.ledger)
        frozen = corpus.load()
        self.material = Material.of(frozen, spec, ledger)
        self.report.entries = ledger
        self.report.corpus_hash = frozen.hash
        self.report.corpus_size = len(frozen.steps)
        return self.material

    async def _compare(self, material: Material, targets: Stage) -> None:
        everyone = [targets.old, *targets.news]
        if targets.again is not None:
            everyone.append(targets.again)
        alone = targets.again is None and not targets.old.can("reset")
        found, failure = await replayed(
            material, everyone, self._progress("replay"), targets.old if alone else None
        )
        self._replays = {t.name: replay for t, replay in zip(everyone, found, strict=True)}
        noise = await self._noise(material, targets)
        for target in targets.news:
            new = self._replays[target.name]
            comparison = judged(material, self._replays[targets.old.name], new, noise)
            self.report.sides.append(Side(target.name, comparison))
            self._say(f"{target.name}: {len(comparison.clusters)} clusters of differences")
        if failure is not None:
            raise Inconclusive(failure)
        self._check_observed(material, targets)
        comparisons = [side.comparison for side in self.report.sides]
        today = dt.datetime.now(dt.UTC).date()
        cannot = targets.cannot
        self.report.faults = audit(material, comparisons, today, cannot, self.options.seed)
        self._say(f"ledger: {len(self.report.faults)} faults")

    async def _noise(self, material: Material, targets: Stage) -> Noise:
        """From the second old service, or else from a second replay to the only one."""
        old = self._replays[targets.old.name]
        if targets.again is not None:
            again = self._replays[targets.again.name]
        elif targets.old.can("reset"):
            found, _ = await replayed(material, [targets.old], self._progress("noise"))
            again = found[0]
        else:
            again = old.reread
        return learn_noise(old, again, material.matches, material.spec)

    def _check_observed(self, material: Material, targets: Stage) -> None:
        spec = material.spec
        for side in self.report.sides:
            for pair in unobserved(spec.pairs, side.comparison, targets.faults):
                if pair not in self.report.unobserved:
                    self.report.unobserved.append(pair)
        seen = set().union(*(side.comparison.observed for side in self.report.sides))
        self.report.not_demanded = [
            pair
            for pair in spec.pairs
            if (pair.operation, pair.status) not in seen and pair not in self.report.unobserved
        ]

    async def _test_itself(self, material: Material, targets: Stage) -> None:
        mutants = self._triable(catalogue.load(), targets)
        side = self.report.sides[0]
        score = Score()
        if targets.again is not None:
            found, failure = await replayed(material, [targets.again], self._progress("control"))
            if failure is not None:
                raise Inconclusive(failure)
            plain = replace(material, entries=())
            old = self._replays[targets.old.name]
            control = judged(plain, old, found[0], side.comparison.noise)
            score.control_findings = len(control.findings)

        def say(number: int, missed: int) -> None:
            if number % 50 == 0 or number == len(mutants):
                self._say(f"self-test: {number} of {len(mutants)} mutants, {missed} not noticed")

        score.outcomes = await self_test(
            material, side.comparison, targets.old, targets.news[0], mutants, say
        )
        self.report.score = score

    def _triable(self, mutants: Sequence[Mutant], targets: Stage) -> list[Mutant]:
        """The mutants that can show on these targets; what is left out is told."""
        cannot = targets.cannot
        found = [
            mutant
            for mutant in mutants
            if not (mutant.needs_restart and "restart" in cannot)
            and not (mutant.needs_watching and "watch-livekit" in cannot)
            and not (mutant.live and not targets.can_reset)
        ]
        if len(found) < len(mutants):
            self.report.warnings.append(
                f"{len(mutants) - len(found)} of {len(mutants)} seeded divergences were not tried: "
                "they need a reset or restart command, or a watched LiveKit."
            )
        return found

    async def _shrink(self, material: Material, targets: Stage) -> None:
        by_name = {target.name: target for target in targets.news}
        for number, side in enumerate(self.report.sides):
            replays = {}
            for cluster in side.comparison.clusters[:_SHRUNK]:
                self._say(f"shortest replay of {cluster.fingerprint}: {cluster.title}")
                replays[cluster.fingerprint] = await minimal(
                    material, cluster, side.comparison.noise, targets.old, by_name[side.name]
                )
                self.report.sides[number] = replace(side, replays=dict(replays))

    def _progress(self, phase: str) -> Callable[[Target], Progress]:
        def of(target: Target) -> Progress:
            done = 0

            def progress(count: int) -> None:
                nonlocal done
                before, done = done, done + count
                if done // _EVERY > before // _EVERY:
                    self._say(f"{phase}: {target.name} {done} of {self.report.corpus_size}")

            return progress

        return of
