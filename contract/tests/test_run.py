"""Phases of a run, and what a run that breaks leaves behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from contract.api.api import Api
from contract.errors import TargetMisbehaved
from contract.http.messages import Answer, Request
from contract.judge import comparison
from contract.judge.exchange import Exchange
from contract.judge.judge import Judgement
from contract.judge.judge import judge as right
from contract.judge.rules import Rule
from contract.judge.shrink import Shortest
from contract.report.verdict import Verdict
from contract.targets.http_target import HttpTarget
from contract.targets.testbed import Coverage, Testbed
from contract.tests.another_api.lockers import PROFILE
from contract.tests.locker_runs import (
    RIGHT,
    Services,
    all_of_them,
    options,
    run,
    small_corpus,
)

NEVER_SEEN = {
    "POST /parcels 400",
    "POST /parcels 401",
    "GET /parcels/{code} 401",
    "GET /parcels/{code} 404",
    "DELETE /parcels/{code} 401",
    "GET /up 200",
}
TWICE = replace(RIGHT, collects_twice=True)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recorded scenarios."""
    return asyncio.run(small_corpus(tmp_path_factory.mktemp("run") / "corpus"))


@dataclass
class Spoilt(HttpTarget):
    """A service that waits before each answer, changes it, or fails after some requests."""

    delay: float = 0.0
    fails_after: int | None = None
    header: tuple[str, str] | None = None
    count: int = 0

    async def send(self, request: Request) -> Answer:
        """Send in the spoilt way; requests of the checks before a replay count too."""
        self.count += 1
        await asyncio.sleep(self.delay)
        if self.fails_after is not None and self.count > self.fails_after:
            raise TargetMisbehaved(f"{self.name} hung")
        answer = await super().send(request)
        if self.header is None:
            return answer
        name, value = self.header
        found = (name, value.format(self.count))
        return replace(answer, headers=(*answer.headers, found))


def spoilt(target: HttpTarget, **how: object) -> Spoilt:
    """The same service, spoilt."""
    return Spoilt(target.name, target.address, target.key, target.hooks, **how)  # type: ignore[arg-type]


def without(target: HttpTarget, hook: str) -> HttpTarget:
    """The same service without one of its hooks."""
    return replace(target, hooks={k: v for k, v in target.hooks.items() if k != hook})


async def test_a_comparison_has_no_self_test(corpus: Path) -> None:
    """`compare` judges and does not seed divergences; what nobody asked for was not observed."""
    report = (await run(options(corpus, Services()))).report
    assert report.score is None
    assert report.clusters == []
    assert report.corpus_size == 9
    assert {str(pair) for pair in report.unobserved} == NEVER_SEEN
    assert report.verdict is Verdict.INCONCLUSIVE


async def test_the_gate_tests_itself_when_nothing_broke(corpus: Path) -> None:
    """`gate` tries every mutant, and the control compares the old service with itself."""
    report = (await run(options(corpus, Services(), "gate"))).report
    assert report.score is not None
    assert report.score.control_findings == 0
    assert len(report.score.outcomes) == 12
    assert report.warnings == []


async def test_every_new_service_is_compared_and_shrunk(corpus: Path) -> None:
    """Each new service has a comparison of its own, and each cluster a replay against that one."""
    report = (await run(options(corpus, Services((RIGHT, TWICE))))).report
    assert [(side.name, len(side.comparison.clusters)) for side in report.sides] == [
        ("new-0", 0),
        ("new-1", 1),
    ]
    ((side, cluster),) = report.clusters
    assert side.replays == {cluster.fingerprint: Shortest((0, 2, 4), reduced=True)}


async def test_the_ledger_is_audited(corpus: Path, tmp_path: Path) -> None:
    """An entry that no answer needed is a fault of the ledger, though the services agree."""
    ledger = yaml.safe_load(PROFILE.files.ledger.read_text("utf-8"))
    (used,) = ledger["entries"]
    ledger["entries"].append({**used, "id": "idle", "when": "old.status == 418"})
    path = tmp_path / "ledger.yaml"
    path.write_text(yaml.safe_dump(ledger), "utf-8")
    report = (await run(replace(options(corpus, Services()), ledger=path))).report
    assert [(fault.entry, fault.problem) for fault in report.faults] == [("idle", "unused")]
    assert (report.clusters, report.verdict) == ([], Verdict.DIVERGENCE)


async def test_a_failing_service_ends_the_run_and_keeps_the_comparison(corpus: Path) -> None:
    """The answers before the failure are compared; neither mutants nor shrinking follow."""

    def make(old: HttpTarget, again: HttpTarget, news: Sequence[HttpTarget]) -> Testbed:
        bad = spoilt(news[0], fails_after=5)
        return all_of_them(old, again, [bad])

    found = await run(options(corpus, Services((TWICE,), make), "gate"))
    (failure,) = found.report.failures
    assert failure.startswith("new-0: at step ")
    assert failure.endswith("and 5 times: new-0 hung")
    assert found.report.sentence == f"Inconclusive: {failure}"
    (side,) = found.report.sides
    assert 0 < len(side.comparison.exchanges) < 9
    assert found.report.score is None
    assert found.material is not None


async def test_a_spent_budget_ends_a_run_at_once(corpus: Path) -> None:
    """After the seconds of the budget the run is inconclusive, and waits for no slow service."""

    def make(old: HttpTarget, again: HttpTarget, news: Sequence[HttpTarget]) -> Testbed:
        return all_of_them(old, again, [spoilt(news[0], delay=0.2)])

    start = time.monotonic()
    given = replace(options(corpus, Services((RIGHT,), make)), budget=0.5)
    report = (await run(given)).report
    (failure,) = report.failures
    assert failure.startswith("the budget of 0.5 s is over")
    assert time.monotonic() - start < 2
    assert report.corpus_hash != ""


async def test_broken_input_is_a_failure_before_anything_starts(corpus: Path) -> None:
    """A ledger that does not load is in the report, and no service was started for it."""
    started: list[int] = []

    def make(old: HttpTarget, again: HttpTarget, news: Sequence[HttpTarget]) -> Testbed:
        started.append(1)
        return all_of_them(old, again, news)

    given = options(corpus, Services(make=make))
    report = (await run(replace(given, ledger=PROFILE.files.contract))).report
    assert "must be a mapping with a list named `entries`" in report.failures[0]
    assert (started, report.sides) == ([], [])


async def test_noise_is_learned_from_the_second_old_service(corpus: Path) -> None:
    """Where two old services differ, the new one may differ too; elsewhere it may not."""

    def make(old: HttpTarget, again: HttpTarget, news: Sequence[HttpTarget]) -> Testbed:
        noisy = [spoilt(target, header=("X-Count", "{}" + target.name)) for target in (old, again)]
        new = spoilt(news[0], header=("X-Count", "anything"))
        return Testbed(noisy[0], noisy[1], (new,), {}, "watch-peer")

    (side,) = (await run(options(corpus, Services(make=make)))).report.sides
    assert side.comparison.clusters == []
    assert len(side.comparison.noise.listed()) == 9
    assert side.comparison.noise.listed()[0] == "step 0: header x-count"


async def test_without_a_second_old_service_the_old_one_is_replayed_again(corpus: Path) -> None:
    """A single old service that can be reset answers the corpus twice, which shows its noise."""
    sent: list[Spoilt] = []

    def make(old: HttpTarget, again: HttpTarget, news: Sequence[HttpTarget]) -> Testbed:
        del again
        sent.append(spoilt(old, header=("X-Count", "{}")))
        return Testbed(sent[0], None, tuple(news), {}, "watch-peer")

    (side,) = (await run(options(corpus, Services(make=make)))).report.sides
    assert set(side.comparison.noise.places) == set(range(9))
    assert side.comparison.clusters == []
    assert sent[0].count >= 18


async def test_an_old_service_without_reset_reads_twice(corpus: Path) -> None:
    """Where nothing can be reset, repeated reads show the noise; writes are sent once."""
    sent: list[Spoilt] = []

    def make(old: HttpTarget, again: HttpTarget, news: Sequence[HttpTarget]) -> Testbed:
        del again
        sent.append(spoilt(without(old, "reset"), header=("X-Count", "{}")))
        return Testbed(sent[0], None, tuple(news), {}, "watch-peer")

    report = (await run(options(corpus, Services(make=make), "gate"))).report
    (side,) = report.sides
    assert set(side.comparison.noise.places) == {1, 3}  # the reads of the scenario
    assert "Some target has no reset command" in report.warnings[0]
    assert all(side.replays == {} for side in report.sides)


async def test_mutants_that_cannot_show_are_counted_in_a_warning(corpus: Path) -> None:
    """Without a reset, live mutants are left out, and the warning says how many of how many."""

    def make(old: HttpTarget, again: HttpTarget, news: Sequence[HttpTarget]) -> Testbed:
        return all_of_them(old, again, [without(news[0], "reset")])

    report = (await run(options(corpus, Services(make=make), "gate"))).report
    assert report.score is not None
    tried = {outcome.mutant.id for outcome in report.score.outcomes}
    assert not tried & {
        "store-same-code",
        "store-open",
        "store-lost",
        "collect-open",
        "collect-twice",
    }
    assert f"{12 - len(tried)} of 12 seeded divergences were not tried" in report.warnings[1]


async def test_an_old_service_that_is_not_silent_spoils_the_proof(corpus: Path) -> None:
    """The control replays the second old service again: a finding there makes the gate useless."""

    @dataclass
    class Ageing(Spoilt):
        """Answers alike in the first replay, and with another header in later ones."""

        resets: int = 0

        async def reset(self) -> None:
            """Count, and reset."""
            self.resets += 1
            self.header = None if self.resets == 1 else ("X-Age", "old")
            await super().reset()

    def make(old: HttpTarget, again: HttpTarget, news: Sequence[HttpTarget]) -> Testbed:
        ageing = Ageing(again.name, again.address, again.key, again.hooks)
        return all_of_them(old, ageing, news)

    report = (await run(options(corpus, Services(make=make), "gate"))).report
    assert report.score is not None
    assert report.score.control_findings == 9
    assert not report.score.passed


async def test_coverage_of_the_services_reaches_the_report(corpus: Path) -> None:
    """The testbed's coverage is the report's, since its figure is known only at the end."""
    coverage = Coverage("lockers")

    def make(old: HttpTarget, again: HttpTarget, news: Sequence[HttpTarget]) -> Testbed:
        return Testbed(old, again, tuple(news), {}, "watch-peer", coverage)

    assert (await run(options(corpus, Services(make=make)))).report.coverage is coverage


async def test_progress_is_logged(corpus: Path) -> None:
    """Each phase has a line, each finding that is reduced its title."""
    words: list[str] = []
    report = (await run(options(corpus, Services((TWICE,)), "gate"), words.append)).report
    ((_, cluster),) = report.clusters
    assert words[0] == "starting and checking the services"
    assert "new-0: 1 clusters of differences" in words
    assert f"ledger: {len(report.faults)} faults" in words
    assert any(line.startswith("self-test: 12 of 12 mutants, ") for line in words)
    assert words[-1] == f"shortest replay of {cluster.fingerprint}: {cluster.title}"


async def test_an_error_while_shrinking_costs_the_replay_and_not_the_verdict(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The finding stands, with its step alone, and nothing calls that replay reduced."""

    async def fails(*_: object) -> None:
        raise ValueError('no such column: "broken"')

    monkeypatch.setattr("contract.run.minimal", fails)
    report = (await run(options(corpus, Services((TWICE,))))).report
    ((side, cluster),) = report.clusters
    assert side.replays == {cluster.fingerprint: Shortest((cluster.first.step,), reduced=False)}
    assert (report.failures, report.verdict) == ([], Verdict.DIVERGENCE)


async def test_an_exception_at_one_step_names_the_step_and_hides_no_other(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever an answer holds, the gate names the step that it cannot judge and judges the others."""

    def trips(case: Exchange, rules: Sequence[Rule], api: Api) -> Judgement:
        if case.index == 1:
            raise OverflowError("cannot convert float infinity to integer")
        return right(case, rules, api)

    monkeypatch.setattr(comparison, "judge", trips)
    report = (await run(options(corpus, Services((TWICE,))))).report
    assert report.failures[0] == (
        "new-0: the gate cannot judge step 1: OverflowError: cannot convert float infinity to integer"
    )
    assert [cluster.operation for _, cluster in report.clusters] == ["DELETE /parcels/{code}"]
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "1 cluster of differences besides" in report.sentence


async def test_a_failure_of_one_service_hides_nothing_of_the_other(corpus: Path) -> None:
    """Of two new services one breaks down; the findings of the other are compared to their end."""

    def make(old: HttpTarget, again: HttpTarget, news: Sequence[HttpTarget]) -> Testbed:
        return all_of_them(old, again, [spoilt(news[0], fails_after=3), news[1]])

    report = (await run(options(corpus, Services((RIGHT, TWICE), make)))).report
    assert report.failures[0].startswith("new-0: at step ")
    (whole,) = (side for side in report.sides if side.name == "new-1")
    assert len(whole.comparison.exchanges) == 9
    assert [cluster.operation for cluster in whole.comparison.clusters] == [
        "DELETE /parcels/{code}"
    ]
