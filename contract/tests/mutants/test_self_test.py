"""The test of the gate itself: which mutants it notices, and when it may judge."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from contract.api.api import Api
from contract.judge.comparison import Comparison, compare_replays
from contract.judge.material import Material
from contract.judge.noise import Noise
from contract.judge.rules import Rule
from contract.mutants.definitions import ANY_JSON, Mutant
from contract.mutants.self_test import Outcome, Score, self_test
from contract.replay.replay import replay_all
from contract.targets.http_target import HttpTarget
from contract.tests.another_api.lockers import PROFILE, Behaviour, Server
from contract.tests.samples import answer, material, request, step
from contract.values.expressions import Expression

API = Api.load(PROFILE)
STORED = {"receipt": {"code": "recorded-000", "storedAt": "2026-01-01T00:00:00.000Z"}}
STEPS = material(
    API,
    step(0, request("POST", "/parcels", {"locker": "east", "grams": 5}), answer(STORED)),
    step(1, request("GET", "/parcels/recorded-000")),
    step(2, request("GET", "/parcels/recorded-000", keyed=False)),
    step(3, request("GET", "/up"), source="generated"),
)


@dataclass
class Sides:
    """Two equal services."""

    old: HttpTarget
    new: HttpTarget

    async def comparison(self, steps: Material, noise: Noise | None = None) -> Comparison:
        """The comparison without any mutant."""
        (old, new), failure = await replay_all(steps, [self.old, self.new])
        assert failure is None
        return compare_replays(steps, old, new, noise or Noise())

    async def tried(
        self, *mutants: Mutant, steps: Material = STEPS, noise: Noise | None = None
    ) -> list[Outcome]:
        """The outcomes of mutants."""
        full = await self.comparison(steps, noise)
        return await self_test(steps, full, self.old, self.new, mutants, lambda *_: None)


@pytest.fixture
async def sides() -> AsyncIterator[Sides]:
    """The lockers twice."""
    servers = [Server(Behaviour()), Server(Behaviour())]
    yield Sides(servers[0].target("old"), servers[1].target("new"))
    for server in servers:
        server.stop()


def mutant(operation: str, change: dict[str, Any], when: str = ANY_JSON) -> Mutant:
    """A mutant."""
    return Mutant("m", "body", operation, Expression.of(when, "when"), change)


READ = "GET /parcels/{code}"


async def test_a_changed_body_is_noticed_but_not_by_statuses(sides: Sides) -> None:
    """A wrong value is caught with its place; comparing statuses alone would have missed it."""
    (found,) = await sides.tried(mutant(READ, {"set": {"/grams": 6}}))
    assert (found.caught, found.status_only, found.touched) == (True, False, 1)
    assert found.shown is not None
    assert (found.shown.kind, found.shown.at) == ("value", "body /grams")


async def test_a_changed_status_is_noticed_by_statuses(sides: Sides) -> None:
    """A mutant of the status counts as one that a comparison of statuses finds as well."""
    (found,) = await sides.tried(mutant(READ, {"status": 201}))
    assert (found.caught, found.status_only) == (True, True)


@pytest.mark.parametrize(
    "mutated",
    [
        mutant(READ, {"set": {"/grams": 5}}),
        mutant(READ, {"set": {"/grams": 6}}, when="new.status == 500"),
        mutant(READ, {"set": {"/grams": 6}}, when="unknown_word"),
        mutant("DELETE /parcels/{code}", {"set": {"/grams": 6}}),
    ],
    ids=["the same value", "no such answer", "a condition that fails", "no such request"],
)
async def test_a_mutant_that_changes_nothing_is_missed(sides: Sides, mutated: Mutant) -> None:
    """A mutant that no recorded request brings about shows a hole of the corpus."""
    (found,) = await sides.tried(mutated)
    assert (found.caught, found.touched, found.shown) == (False, 0, None)


async def test_a_rule_that_is_too_wide_lets_a_mutant_pass(sides: Sides) -> None:
    """What the ledger accepts is not noticed, although answers were changed."""
    wide = Rule("wide", READ, Expression.of("true", "x"), {"set": {"/locker": "= matching('.*')"}})
    changes = mutant(READ, {"set": {"/locker": "west"}}), mutant(READ, {"set": {"/grams": 6}})
    only_success = replace(wide, when=Expression.of("old.status == 200", "x"))
    ruled = STEPS.ruled((only_success,))
    missed, caught = await sides.tried(*changes, steps=ruled)
    assert (missed.caught, missed.touched) == (False, 1)
    assert caught.caught


async def test_noise_and_known_findings_notice_nothing(sides: Sides) -> None:
    """A difference that noise hides, or that was there without the mutant, is no evidence."""
    noise = Noise({1: frozenset({"body /grams"})})
    changed = mutant(READ, {"set": {"/grams": 6}})
    (hidden,) = await sides.tried(changed, noise=noise)
    assert (hidden.caught, hidden.touched) == (False, 1)
    new = {"status": 201, "set": {"/locker": "= matching('.*')"}}
    demanded = Rule("d", READ, Expression.of("old.status == 200", "x"), new)
    known, live = await sides.tried(
        mutant(READ, {"set": {"/locker": "west"}}),
        mutant(READ, {"stale": True}),
        steps=STEPS.ruled((demanded,)),
    )
    assert (known.caught, known.touched) == (False, 1)
    assert not live.caught


async def test_live_mutants_are_tried_by_another_replay(sides: Sides) -> None:
    """A mutant of requests is replayed to the service, and what it changes there is noticed."""
    opened, twice, stale = await sides.tried(
        mutant(READ, {"key": "right"}),
        mutant("POST /parcels", {"same-id": True}),
        mutant(READ, {"stale": True}),
    )
    assert (opened.caught, opened.status_only, opened.shown is not None) == (True, True, True)
    assert (twice.caught, twice.touched) == (False, 0)  # a single parcel has the first id anyway
    assert not stale.caught


async def test_live_mutants_are_tried_on_scenarios_and_keys_alone(sides: Sides) -> None:
    """A generated request would take a replay of seconds for each mutant, so it is left out."""
    lost = mutant("GET /up", {"instead": {"status": 500, "body": {}}})
    (missed,) = await sides.tried(lost)
    assert not missed.caught
    for source in ("scenario/a", "mutator/setup/a", "mutator/up/keys/wrong-key"):
        steps = material(API, step(3, request("GET", "/up"), source=source))
        (found,) = await sides.tried(lost, steps=steps)
        assert found.caught, source


async def test_progress_counts_tried_and_missed_mutants(sides: Sides) -> None:
    """Progress gets the number of the mutant and of those missed so far."""
    counts: list[tuple[int, int]] = []
    mutants = [mutant(READ, {"status": 201}), mutant(READ, {"status": 200})]
    full = await sides.comparison(STEPS)
    await self_test(STEPS, full, sides.old, sides.new, mutants, lambda *count: counts.append(count))
    assert counts == [(1, 0), (2, 1)]


def test_a_gate_may_judge_only_when_it_notices_everything() -> None:
    """No mutants, one that was missed, or a finding of the control: the gate proves nothing."""
    caught = Outcome(mutant(READ, {"status": 201}), caught=True, status_only=True, touched=1)
    missed = replace(caught, caught=False)
    assert Score([caught]).passed
    assert not Score().passed
    assert not Score([caught, missed]).passed
    assert Score([caught, missed]).missed == [missed]
    assert not Score([caught], control_findings=1).passed
