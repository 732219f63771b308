"""Noise: learnt from the old service's two answers, hidden in that place of that step alone."""

from __future__ import annotations

from contract.api.api import Api
from contract.corpus.steps import Corpus, Step
from contract.http.messages import Answer, Request
from contract.judge.comparison import compare_replays
from contract.judge.material import Material
from contract.judge.noise import learn_noise
from contract.replay.replay import Replay
from contract.tests.another_api.lockers import PROFILE


def answer(grams: int, locker: str = "a") -> Answer:
    """A parcel."""
    body = f'{{"locker":"{locker}","grams":{grams}}}'
    return Answer(200, (("Content-Type", "application/json"),), body.encode(), 1.0, 2.0)


def test_only_the_noisy_place_of_the_noisy_step_is_hidden() -> None:
    """A place that differs between two old answers is no finding there, and one elsewhere."""
    steps = tuple(
        Step(n, "generated", Request("GET", "/parcels/x", ()), answer(1)) for n in range(2)
    )
    material = Material.of(Corpus(steps, ""), Api.load(PROFILE))
    old = Replay(answers={0: answer(1), 1: answer(1)})
    again = Replay(answers={0: answer(2), 1: answer(1)})
    noise = learn_noise(old, again, material)
    assert noise.listed() == ["step 0: body /grams"]
    new = Replay(answers={0: answer(3, "b"), 1: answer(3)})
    found = compare_replays(material, old, new, noise)
    places = [(finding.step, finding.difference.at) for finding in found.findings]
    assert places == [(0, "body /locker"), (1, "body /grams")]
