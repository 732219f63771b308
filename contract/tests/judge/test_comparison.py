"""Comparisons of two whole replays: what is judged, observed, used and left out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contract.api.api import Api
from contract.errors import BrokenInput
from contract.http.messages import Answer
from contract.judge.comparison import Comparison, compare_replays, unobserved
from contract.judge.material import Material
from contract.judge.noise import Noise
from contract.judge.rules import Rule
from contract.ledger.entries import load
from contract.replay.replay import Replay
from contract.tests.another_api.lockers import PROFILE
from contract.tests.samples import HTML, answer, material, request, step
from contract.values.expressions import Expression

API = Api.load(PROFILE)
CODE = "abcdefghijkl"
RECEIPT = {"receipt": {"code": "<parcel-0>", "storedAt": "2026-01-01T00:00:00.000Z"}}
STORE = step(0, request("POST", "/parcels", {"locker": "a", "grams": 1}))
READ = step(1, request("GET", "/parcels/<parcel-0>"))
GONE = answer({"error": "gone"}, 410)


def compared(found: Material, old: Replay, new: Replay, noise: Noise | None = None) -> Comparison:
    """A comparison, without noise unless some is given."""
    return compare_replays(found, old, new, noise or Noise())


def replays(*answers: Answer) -> Replay:
    """A replay with these answers, from step 0 on."""
    return Replay(answers=dict(enumerate(answers)))


def rule(name: str, when: str, new: dict[str, object]) -> Rule:
    """A rule about every operation."""
    return Rule(name, "*", Expression.of(when, name), new)


def test_equal_replays_have_no_findings() -> None:
    """Every step of both replays is an exchange, and equal answers are no findings."""
    both = replays(answer(RECEIPT), answer({"code": "x"}))
    found = compared(material(API, STORE, READ), both, both)
    assert (list(found.exchanges), found.findings, found.clusters) == ([0, 1], [], [])


def test_a_finding_names_step_operation_and_statuses() -> None:
    """A difference becomes a finding with its place, and findings become clusters."""
    found = compared(
        material(API, READ), Replay(answers={1: answer({})}), Replay(answers={1: GONE})
    )
    (finding, *_) = found.findings
    assert (finding.step, finding.operation) == (1, "GET /parcels/{code}")
    assert finding.statuses == (200, 410)
    assert [cluster.kind for cluster in found.clusters] == ["status"]


def test_a_step_that_a_target_cannot_take_is_left_out() -> None:
    """A change that either service lacks leaves out its step with the reason; the others count."""
    steps = material(API, STORE, READ)
    full = replays(answer(RECEIPT), answer({}))
    part = Replay(answers={1: answer({})}, left_out={0: "restart"})
    for old, new in ((full, part), (part, full)):
        found = compared(steps, old, new)
        assert (found.left_out, list(found.exchanges)) == ({0: "restart"}, [1])


def test_a_broken_replay_is_judged_up_to_its_last_answer() -> None:
    """Answers before a failure are judged, nothing after it: the state is unknown there."""
    steps = material(API, STORE, READ, step(2, request("GET", "/up")))
    full = replays(answer(RECEIPT), answer({}), answer({"state": "up"}))
    part = Replay(answers={0: full.answers[0], 2: full.answers[2]})
    assert list(compared(steps, full, part).exchanges) == [0]
    assert list(compared(steps, part, full).exchanges) == [0]


def test_rules_see_the_state_before_their_step() -> None:
    """The world learns each answer of the new service after the step was judged by it."""
    collect = step(1, request("DELETE", "/parcels/<parcel-0>"))
    read = step(2, request("GET", "/parcels/<parcel-0>"))
    stored = step(0, STORE.request, answer({"receipt": {"code": CODE}}))
    steps = material(API, stored, collect, read)
    words = {n: case.words for n, case in _collected(steps).exchanges.items()}
    assert words[0]["parcel"] is None
    assert words[1]["parcel"] == {"collected": False}
    assert words[2]["parcel"] == {"collected": True}
    ruled = steps.ruled(load(PROFILE.files.ledger))
    assert _collected(ruled).findings == []
    assert _collected(ruled).uses == {"collected-is-gone": [2]}


def _collected(steps: Material) -> Comparison:
    """A parcel is stored, collected, and then read: the old service calls it unknown."""
    begin = answer(RECEIPT), answer(None, 204)
    gone = answer({"error": "parcel <parcel-0> was collected"}, 410)
    old = replays(*begin, answer({"error": "no parcel <parcel-0>"}, 404))
    return compared(steps, old, replays(*begin, gone))


def test_a_change_before_a_step_is_part_of_its_state() -> None:
    """A restart counts from its own step on."""
    steps = material(API, STORE, replace(READ, before="restart"))
    both = replays(answer(RECEIPT), answer({}))
    found = compared(steps, both, both)
    assert [found.exchanges[n].words["world"].restarts for n in (0, 1)] == [0, 1]


def test_an_id_that_was_handed_out_twice_is_a_finding() -> None:
    """A clash of ids names the symbol that has the id already."""
    new = Replay(answers={0: answer(RECEIPT)}, clashes={0: "parcel-9"})
    (finding,) = compared(material(API, STORE), replays(answer(RECEIPT)), new).findings
    assert (finding.difference.kind, finding.difference.actual) == (
        "id clash",
        "the id of parcel-9",
    )


@pytest.mark.parametrize(("own", "kinds"), [("mnopqrstuvwx", []), (CODE[:-1], ["id form"])])
def test_generated_ids_have_one_form(own: str, kinds: list[str]) -> None:
    """Another id is no difference; another length or alphabet of ids is one."""
    old = Replay(answers={0: answer(RECEIPT)}, new_ids={0: CODE})
    new = Replay(answers={0: answer(RECEIPT)}, new_ids={0: own})
    found = compared(material(API, STORE), old, new)
    assert [finding.difference.kind for finding in found.findings] == kinds


def test_noise_hides_its_place_alone() -> None:
    """A noisy place of a step is no finding, and its exchange stays to be looked at."""
    noise = Noise({1: frozenset({"body /grams"})})
    old = Replay(answers={1: answer({"grams": 1, "locker": "a"})})
    new = Replay(answers={1: answer({"grams": 2, "locker": "b"})})
    found = compared(material(API, READ), old, new, noise)
    assert [finding.difference.at for finding in found.findings] == ["body /locker"]


def test_a_page_of_the_server_observes_no_documented_status() -> None:
    """Only JSON, or the documented absence of a body, shows that the operation itself answered."""
    page = Answer(404, HTML, b"<h1>nginx</h1>")
    found = compared(material(API, READ), Replay(answers={1: page}), Replay(answers={1: page}))
    assert found.observed == set()
    collect = step(1, request("DELETE", "/parcels/x"))
    empty = Replay(answers={1: answer(None, 204)})
    assert compared(material(API, collect), empty, empty).observed == {
        ("DELETE /parcels/{code}", 204)
    }


def test_what_no_request_showed_is_listed() -> None:
    """All documented pairs count but those that need a fault which cannot be brought about."""
    pairs = API.spec.pairs
    faulty = (replace(pairs[0], status=503, faults=("db-away",)),)
    found = Comparison(observed={(pair.operation, pair.status) for pair in pairs[1:]})
    assert unobserved((*pairs, *faulty), found, frozenset()) == [pairs[0]]
    assert unobserved((*pairs, *faulty), found, frozenset({"db-away"})) == [pairs[0], *faulty]


def test_a_failing_rule_is_broken_input() -> None:
    """A rule with an unknown word stops the comparison and names itself."""
    ruled = material(API, STORE).ruled((rule("typo", "parcle.collected", {"status": 1}),))
    both = replays(answer(RECEIPT))
    with pytest.raises(BrokenInput, match=r"typo fails: 'parcle' is undefined"):
        compared(ruled, both, both)
