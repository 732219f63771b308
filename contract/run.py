"""One run of the gate: compare, audit the ledger, test the gate itself, shrink the findings."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final

from contract.api.api import Api
from contract.corpus import frozen
from contract.errors import BudgetSpent, Inconclusive
from contract.judge.comparison import compare_replays, unobserved
from contract.judge.material import Material
from contract.judge.noise import Noise, learn_noise
from contract.judge.shrink import Shortest, minimal
from contract.ledger import entries
from contract.ledger.audit import audit
from contract.mutants import definitions
from contract.mutants.definitions import Mutant
from contract.mutants.self_test import Score, self_test
from contract.options import Options
from contract.replay.replay import Progress, Replay, replay_all
from contract.report.verdict import Report, Side
from contract.targets.target import Target
from contract.targets.testbed import RESTART, Testbed
from contract.testbed.setup import testbed

_EVERY: Final = 1000  # steps between two lines of progress
_UNJUDGED: Final = 5  # steps at which the gate failed, in the report
_SECONDS: Final = 10.0  # between two lines of progress, where steps are slow
_SHRUNK: Final = 12  # clusters of each target that get a shortest replay


class Run:
    """One run; `report` and `material` keep all results, also when the run breaks."""

    def __init__(self, options: Options, log: Callable[[str], None]) -> None:
        self.options = options
        self.report = Report(options.seed)
        self.material: Material | None = None
        self._log = log
        self._replays: dict[str, Replay] = {}
        self._paces: list[_Pace] = []

    async def run(self) -> None:
        """Run all phases; a cause that breaks the run is in the report afterwards."""
        try:
            async with asyncio.timeout(self.options.budget):
                await self._phases()
        except TimeoutError:
            unfinished = [pace.said for pace in self._paces if not pace.is_done]
            where = f" ({'; '.join(unfinished)})" if unfinished else ""
            spent = BudgetSpent(f"the budget of {self.options.budget:g} s is over{where}")
            self.report.failures.append(str(spent))
        except Inconclusive as error:
            self.report.failures.append(str(error))

    async def _phases(self) -> None:
        material = self._read()
        self._log("starting and checking the services")
        given = self.options
        async with testbed(given.profile, given.external, given.variants) as targets:
            material = self.material = replace(material, watched=targets.watched)
            self.report.coverage = targets.coverage
            if not targets.can_reset:
                self.report.warnings.append(
                    "Some target has no reset command: it must be fresh, and findings are not "
                    "reduced to their shortest replay."
                )
            await self._guarded("comparing", self._compare(material, targets))
            if self.options.command != "compare" and not self.report.failures:
                await self._guarded("the self-test", self._test_itself(material, targets))
            if targets.can_reset:
                await self._guarded("the shortest replays", self._shrink(material, targets))

    async def _guarded(self, what: str, phase: Awaitable[None]) -> None:
        """Run a phase; its failure costs what it would have shown, and nothing of the other phases."""
        try:
            await phase
        except Inconclusive as error:
            self.report.failures.append(str(error))
        except Exception as error:
            self._log("".join(traceback.format_exception(error)))
            cause = f"{type(error).__name__}: {error}"
            self.report.failures.append(f"the gate itself failed at {what}: {cause}")

    def _read(self) -> Material:
        api = Api.load(self.options.profile, self.options.contract)
        ledger = entries.load(self.options.ledger)
        corpus = frozen.load(self.options.profile.files.corpus)
        self.material = Material.of(corpus, api).ruled(ledger)
        self.report.entries = ledger
        self.report.corpus_hash = corpus.hash
        self.report.corpus_size = len(corpus.steps)
        return self.material

    async def _compare(self, material: Material, targets: Testbed) -> None:
        everyone = [targets.old, *targets.news]
        if targets.again is not None:
            everyone.append(targets.again)
        alone = targets.again is None and not targets.old.can("reset")
        found, failure = await replay_all(
            material, everyone, self._progress("replay"), targets.old if alone else None
        )
        self._replays = {t.name: replay for t, replay in zip(everyone, found, strict=True)}
        noise = await self._noise(material, targets)
        for target in targets.news:
            new = self._replays[target.name]
            comparison = compare_replays(material, self._replays[targets.old.name], new, noise)
            self.report.sides.append(Side(target.name, comparison))
            self._log(f"{target.name}: {len(comparison.clusters)} clusters of differences")
            self.report.failures += [
                f"{target.name}: the gate cannot judge step {step}: {cause}"
                for step, cause in list(comparison.unjudged.items())[:_UNJUDGED]
            ]
        if failure is not None:
            raise Inconclusive(failure)
        self._check_observed(material, targets)
        self.report.faults = audit(
            material,
            self.report.entries,
            [side.comparison for side in self.report.sides],
            dt.datetime.now(dt.UTC).date(),
            targets.cannot,
            self.options.seed,
        )
        self._log(f"ledger: {len(self.report.faults)} faults")

    async def _noise(self, material: Material, targets: Testbed) -> Noise:
        """From the second old service, or else from a second replay to the only one."""
        old = self._replays[targets.old.name]
        if targets.again is not None:
            again = self._replays[targets.again.name]
        elif targets.old.can("reset"):
            found, _ = await replay_all(material, [targets.old], self._progress("noise"))
            again = found[0]
        else:
            again = old.reread
        return learn_noise(old, again, material)

    def _check_observed(self, material: Material, targets: Testbed) -> None:
        pairs = material.api.spec.pairs
        for side in self.report.sides:
            for pair in unobserved(pairs, side.comparison, targets.possible_faults):
                if pair not in self.report.unobserved:
                    self.report.unobserved.append(pair)
        seen = set().union(*(side.comparison.observed for side in self.report.sides))
        self.report.not_demanded = [
            pair
            for pair in pairs
            if (pair.operation, pair.status) not in seen and pair not in self.report.unobserved
        ]

    async def _test_itself(self, material: Material, targets: Testbed) -> None:
        mutants = self._triable(definitions.load(self.options.profile.files.mutants), targets)
        side = self.report.sides[0]
        score = Score()
        if targets.again is not None:
            found, failure = await replay_all(material, [targets.again], self._progress("control"))
            if failure is not None:
                raise Inconclusive(failure)
            old = self._replays[targets.old.name]
            control = compare_replays(material.ruled(()), old, found[0], side.comparison.noise)
            score.control_findings = len(control.findings)

        def progress(number: int, missed: int) -> None:
            if number % 50 == 0 or number == len(mutants):
                self._log(f"self-test: {number} of {len(mutants)} mutants, {missed} missed")

        score.outcomes = await self_test(
            material, side.comparison, targets.old, targets.news[0], mutants, progress
        )
        self.report.score = score

    def _triable(self, mutants: Sequence[Mutant], targets: Testbed) -> list[Mutant]:
        """The mutants that can show on these targets; a warning counts the others."""
        cannot = targets.cannot
        found = [
            mutant
            for mutant in mutants
            if not (mutant.needs_restart and RESTART in cannot)
            and not (mutant.needs_watching and targets.watching in cannot)
            and not (mutant.live and not targets.can_reset)
        ]
        if len(found) < len(mutants):
            self.report.warnings.append(
                f"{len(mutants) - len(found)} of {len(mutants)} seeded divergences were not tried: "
                f"they need a reset or restart command, or a watched {self.options.profile.peer}."
            )
        return found

    async def _shrink(self, material: Material, targets: Testbed) -> None:
        by_name = {target.name: target for target in targets.news}
        for number, side in enumerate(self.report.sides):
            replays = {}
            for cluster in side.comparison.clusters[:_SHRUNK]:
                self._log(f"shortest replay of {cluster.fingerprint}: {cluster.title}")
                try:
                    replays[cluster.fingerprint] = await minimal(
                        material, cluster, side.comparison.noise, targets.old, by_name[side.name]
                    )
                except Exception as error:
                    # It costs this replay; the finding stands.
                    self._log(f"no shortest replay of {cluster.fingerprint}: {error!r}")
                    step = cluster.first.step
                    replays[cluster.fingerprint] = Shortest((step,), reduced=False)
                self.report.sides[number] = replace(side, replays=dict(replays))

    def _progress(self, phase: str) -> Callable[[Target], Progress]:
        def of(target: Target) -> Progress:
            pace = _Pace(self._log, f"{phase}: {target.name}", self.report.corpus_size)
            self._paces.append(pace)
            return pace.progress

        return of


class _Pace:
    """Reports how far a replay is, how fast, and how long it still takes."""

    def __init__(self, log: Callable[[str], None], what: str, size: int) -> None:
        self._log = log
        self._what = what
        self._size = size
        self._done = 0
        self._begin = self._last = time.monotonic()

    @property
    def is_done(self) -> bool:
        """Whether all steps are done."""
        return self._done >= self._size

    @property
    def said(self) -> str:
        """How far it is, how fast, and how long it still takes."""
        rate = self._done / max(time.monotonic() - self._begin, 0.001)
        left = f"{(self._size - self._done) / rate:.0f} s" if rate else "unknown time"
        return f"{self._what} {self._done} of {self._size}, {rate:.1f} a second, {left} left"

    def progress(self, count: int) -> None:
        """Take in `count` more steps."""
        before, self._done = self._done, self._done + count
        now = time.monotonic()
        if self._done // _EVERY > before // _EVERY or now - self._last >= _SECONDS:
            self._last = now
            self._log(self.said)
