"""The layer that makes a real service diverge."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from contract.api.api import Api
from contract.http.messages import Answer, Effect, Request
from contract.mutants.definitions import Mutant
from contract.mutants.mutating_target import MutatingTarget
from contract.targets.http_target import HttpTarget
from contract.targets.target import Hook
from contract.tests.another_api.lockers import KEY, PROFILE, Behaviour, Server
from contract.tests.samples import request
from contract.values.expressions import Expression

API = Api.load(PROFILE)
PARCEL = {"locker": "east", "grams": 5}


@dataclass
class Service:
    """The lockers, and the names of the hooks that ran."""

    server: Server
    target: HttpTarget
    ran: list[str]

    def mutated(self, operation: str, change: dict[str, Any]) -> MutatingTarget:
        """The lockers behind a mutant."""
        always = Expression.of("true", "when")
        return MutatingTarget(self.target, Mutant("m", "state", operation, always, change), API)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """The lockers, which can also restart."""
    server = Server(Behaviour())
    plain = server.target("new")
    ran: list[str] = []

    def hook(name: str) -> Hook:
        async def run() -> None:
            ran.append(name)
            await plain.reset()

        return run

    hooks = {name: hook(name) for name in ("reset", "restart", "db-away")}
    yield Service(server, HttpTarget("new", plain.address, KEY, hooks), ran)
    server.stop()


def store(**body: Any) -> Request:
    """A request that stores a parcel."""
    return request("POST", "/parcels", {**PARCEL, **body})


def code(answer: Answer) -> str:
    """The code that an answer hands out."""
    found: str = json.loads(answer.body)["receipt"]["code"]
    return found


async def test_other_operations_pass_unchanged(service: Service) -> None:
    """A mutant of one operation leaves requests of the others as they are."""
    mutant = service.mutated("GET /up", {"instead": {"status": 500, "body": {}}})
    answer = await mutant.send(store())
    assert (answer.status, len(service.server.lockers.parcels)) == (200, 1)
    assert (await mutant.send(request("GET", "/up"))).status == 500


async def test_instead_answers_without_the_service(service: Service) -> None:
    """A valid request does not arrive; its answer has the real headers and words of the request."""
    body = {"locker": "= body.locker", "grams": 7}
    mutant = service.mutated("POST /parcels", {"instead": {"status": 201, "body": body}})
    answer = await mutant.send(store(locker="west"))
    assert (answer.status, answer.body) == (201, b'{"locker":"west","grams":7}')
    assert answer.header("content-type") == "application/json"
    assert service.server.lockers.parcels == {}


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request("POST", "/parcels", PARCEL, keyed=False), 401),
        (request("POST", "/parcels", {"locker": "east"}), 400),
        (request("POST", "/parcels", [PARCEL]), 400),
    ],
    ids=["no key", "a missing key of the body", "no object"],
)
async def test_instead_leaves_refusals_alone(service: Service, sent: Request, status: int) -> None:
    """A request without the key or without the body's required keys is refused as before."""
    mutant = service.mutated("POST /parcels", {"instead": {"status": 200, "body": {}}})
    assert (await mutant.send(sent)).status == status


async def test_instead_needs_no_body_where_none_is_taken(service: Service) -> None:
    """An operation without a request body is answered by its key alone."""
    change = {"instead": {"status": 204, "body": {"was": "= body"}}}
    answer = await service.mutated("DELETE /parcels/{code}", change).send(
        request("DELETE", "/parcels/x")
    )
    assert (answer.status, answer.body) == (204, b'{"was":null}')


async def test_key_opens_the_operation(service: Service) -> None:
    """A request without a key, or with a wrong one, is let in."""
    mutant = service.mutated("GET /parcels/{code}", {"key": "right"})
    read = request("GET", "/parcels/x", keyed=False)
    assert (await service.target.send(read)).status == 401
    assert (await mutant.send(read)).status == 404
    assert (await mutant.send(read.with_header("Authorization", "Bearer no"))).status == 404


async def test_twice_sends_a_request_twice(service: Service) -> None:
    """The effects of a request happen twice, and the second answer is given."""
    mutant = service.mutated("POST /parcels", {"twice": True})
    answer = await mutant.send(store())
    assert list(service.server.lockers.parcels)[1:] == [code(answer)]


async def test_stale_repeats_the_first_success_of_a_path(service: Service) -> None:
    """Later answers to a path are its first success, until a reset; refusals and other paths go on."""
    mutant = service.mutated("GET /parcels/{code}", {"stale": True})
    missing = await mutant.send(request("GET", "/parcels/none"))
    first, second = [code(await mutant.send(store(grams=g))) for g in (1, 2)]
    read = request("GET", f"/parcels/{first}")
    before = await mutant.send(read)
    service.server.lockers.parcels[first].grams = 99
    assert await mutant.send(read) == before
    assert b'"grams":2' in (await mutant.send(request("GET", f"/parcels/{second}"))).body
    service.server.lockers.parcels["none"] = service.server.lockers.parcels[first]
    assert missing.status == 404
    assert (await mutant.send(request("GET", "/parcels/none"))).status == 200
    renewed = service.server.lockers.parcels[first]
    await mutant.reset()
    service.server.lockers.parcels[first] = renewed
    assert b'"grams":99' in (await mutant.send(read)).body


async def test_same_id_hands_out_one_id_for_ever(service: Service) -> None:
    """Every new id is the first one until a reset; refusals, which hand out none, stay."""
    mutant = service.mutated("POST /parcels", {"same-id": True})
    first, second = [code(await mutant.send(store())) for _ in range(2)]
    assert first == second
    assert len(service.server.lockers.parcels) == 2
    assert (await mutant.send(store(grams=0))).status == 400
    await mutant.reset()
    assert code(await mutant.send(store())) != first


async def test_restart_loses_the_state(service: Service) -> None:
    """A restart becomes a reset for a mutant that forgets, and stays a restart for any other."""
    forgetful = service.mutated("POST /parcels", {"restart": "reset"})
    assert (await forgetful.send(store())).status == 200
    await forgetful.change("restart")
    await forgetful.change("db-away")
    await service.mutated("POST /parcels", {"twice": True}).change("restart")
    assert service.ran == ["reset", "db-away", "restart"]


async def test_the_layer_can_what_the_service_can(service: Service) -> None:
    """Abilities, watching and calls to the peer are those of the service behind the layer."""
    mutant = service.mutated("GET /up", {"stale": True})
    assert (mutant.can("restart"), mutant.can("database-away")) == (True, False)
    assert not mutant.watched

    class Calls:
        async def take(self) -> tuple[Effect, ...]:
            return (Effect("Open", "{}"),)

    service.target.effects = Calls()
    assert mutant.watched
    assert (await mutant.send(request("GET", "/up"))).effects == (Effect("Open", "{}"),)
