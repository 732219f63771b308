"""The shortest replay of a finding, found with real services."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from contract.api.api import Api
from contract.corpus.steps import Step
from contract.errors import TargetMisbehaved
from contract.http.messages import Answer, Request
from contract.judge.clusters import Cluster
from contract.judge.comparison import compare_replays
from contract.judge.material import Material
from contract.judge.noise import Noise
from contract.judge.shrink import MOST_TRIALS, minimal
from contract.replay.replay import replay_all
from contract.targets.http_target import HttpTarget
from contract.targets.target import Target
from contract.tests.another_api.lockers import PROFILE, Behaviour, Server
from contract.tests.samples import answer, material, request, step

API = Api.load(PROFILE)
CODES = [f"recorded-{n:03}" for n in range(10)]


@dataclass
class Sides:
    """Two services, the second of another behaviour, and their requests."""

    old: HttpTarget
    new: HttpTarget


@pytest.fixture
def sides() -> Iterator[Sides]:
    """The old lockers, and new ones in which a parcel can be collected twice."""
    servers = [Server(Behaviour()), Server(Behaviour(collects_twice=True))]
    yield Sides(servers[0].target("old"), servers[1].target("new"))
    for server in servers:
        server.stop()


def store(index: int, code: str, locker: str = "east") -> Step:
    """A step that stores a parcel; the recording gave it this code."""
    receipt = {"receipt": {"code": code, "storedAt": "2026-01-01T00:00:00.000Z"}}
    return step(index, request("POST", "/parcels", {"locker": locker, "grams": 5}), answer(receipt))


def collect(index: int, code: str) -> Step:
    """A step that collects a parcel."""
    return step(index, request("DELETE", f"/parcels/{code}"))


async def shortest(
    steps: Material,
    old: Target,
    new: Target,
    noise: Noise | None = None,
    *,
    reduced: bool = True,
) -> tuple[Cluster, list[int]]:
    """The only cluster of a comparison, and its shortest replay."""
    noise = noise or Noise()
    (of_old, of_new), failure = await replay_all(steps, [old, new])
    assert failure is None
    (cluster,) = compare_replays(steps, of_old, of_new, noise).clusters
    result = await minimal(steps, cluster, noise, old, new)
    assert result.reduced is reduced
    return cluster, list(result.steps)


async def test_a_finding_that_needs_nothing_before_it_is_one_request(sides: Sides) -> None:
    """A request that shows the finding on a fresh service is the whole replay."""
    server = Server(Behaviour())
    server.lockers.reply = lambda *_: (500, {"error": "broken"})  # type: ignore[method-assign]
    try:
        steps = material(API, store(0, CODES[0]), step(1, request("GET", "/up")))
        part = steps.only([1])
        _, found = await shortest(part, sides.old, server.target("new"))
    finally:
        server.stop()
    assert found == [1]


async def test_only_the_requests_of_the_same_parcel_remain(sides: Sides) -> None:
    """Steps that share no id with the finding are dropped at once, and reads never are tried."""
    new = Spoilt(sides.new, after="nothing")
    steps = material(
        API,
        *(store(n, CODES[n], locker=f"east-{n}") for n in range(4)),
        collect(4, CODES[0]),
        step(5, request("GET", f"/parcels/{CODES[2]}")),
        collect(6, CODES[2]),
        collect(7, CODES[2]),
    )
    cluster, found = await shortest(steps, sides.old, new)
    assert cluster.title == "DELETE /parcels/{code}: status 204 instead of 404 (step 7)"
    assert found == [2, 6, 7]
    assert (new.resets, "GET" in new.tried) == (5, False)


async def test_steps_that_share_no_id_are_tried_when_the_related_ones_are_not_enough(
    sides: Sides,
) -> None:
    """When the finding depends on an unrelated request, that one is in the shortest replay."""
    spoilt = Spoilt(sides.new, after="west")
    steps = material(
        API,
        store(0, CODES[0], "east"),
        store(1, CODES[1], "west"),
        store(2, CODES[2], "south"),
        step(3, request("GET", f"/parcels/{CODES[0]}")),
    )
    _, found = await shortest(steps, sides.old, spoilt)
    assert found == [1, 3]


async def test_a_target_that_fails_shows_nothing(sides: Sides) -> None:
    """A trial in which a service fails shows nothing: the replay is called not reduced."""
    failing = Spoilt(sides.new, after="west", replays=1)
    steps = material(
        API, store(0, CODES[0], "east"), store(1, CODES[1], "west"), step(2, request("GET", "/up"))
    )
    _, found = await shortest(steps, sides.old, failing, reduced=False)
    assert found == [2]


async def test_trials_are_limited(sides: Sides) -> None:
    """The number of replays for one cluster has a limit, however many steps there are."""
    everything = Spoilt(sides.new, after="east-19", needed=20)
    stores = [store(n, f"recorded-{n:03}", f"east-{n}") for n in range(20)]
    steps = material(API, *stores, step(20, request("GET", "/up")))
    _, found = await shortest(steps, sides.old, everything)
    assert found == list(range(21))
    assert everything.resets == MOST_TRIALS + 1


@dataclass
class Spoilt:
    """The lockers, except that reads fail once `needed` parcels and one for `after` are stored.

    After `replays` replays no request is answered any more.
    """

    inner: HttpTarget
    after: str
    needed: int = 1
    replays: int = 1_000
    resets: int = 0
    name: str = "spoilt"
    watched: bool = False
    stored: list[bytes] = field(default_factory=list)
    tried: set[str] = field(default_factory=set)  # methods that were sent after the first replay

    async def reset(self) -> None:
        """Count the replays."""
        self.resets += 1
        self.stored.clear()
        await self.inner.reset()

    async def change(self, what: str) -> None:
        """Pass the change on."""
        await self.inner.change(what)

    def can(self, what: str) -> bool:
        """Whether the lockers can."""
        return self.inner.can(what)

    async def send(self, sent: Request) -> Answer:
        """Pass the request on, or spoil its answer."""
        if self.resets > self.replays:
            raise TargetMisbehaved("it hung")
        if self.resets > 1:
            self.tried.add(sent.method)
        if sent.method == "POST":
            self.stored.append(sent.body)
        found = await self.inner.send(sent)
        there = any(self.after.encode() in body for body in self.stored)
        if sent.method == "GET" and there and len(self.stored) >= self.needed:
            return answer({"state": "down"}, 503)
        return found
