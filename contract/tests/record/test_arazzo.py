"""Directed scenarios, sent to real services."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract.api.api import Api
from contract.corpus.steps import Step
from contract.errors import BrokenInput
from contract.http.address import Address
from contract.http.messages import RECORDED_KEY, Answer, Request
from contract.record.arazzo import directed
from contract.targets.http_target import HttpTarget
from contract.tests.another_api.lockers import PROFILE, Behaviour, Server

STORE = {
    "stepId": "store",
    "operationId": "storeParcel",
    "requestBody": {"payload": {"locker": "north-3", "grams": 250}},
    "outputs": {"code": "$response.body#/receipt/code"},
}
CODE = {"name": "code", "in": "path", "value": "$steps.store.outputs.code"}
READ = {"stepId": "read", "operationId": "readParcel", "parameters": [CODE]}


@pytest.fixture
def server() -> Iterator[Server]:
    """The old locker service."""
    found = Server(Behaviour())
    yield found
    found.stop()


@pytest.fixture
def lockers() -> Api:
    """The lockers' API."""
    return Api.load(PROFILE)


def written(folder: Path, *steps: dict[str, Any], workflow: str = "life") -> Path:
    """An Arazzo file with one workflow."""
    path = folder / "scenarios.yaml"
    document = {"arazzo": "1.0.1", "workflows": [{"workflowId": workflow, "steps": list(steps)}]}
    path.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    return path


async def test_an_output_of_a_step_fills_the_path_of_a_later_one(
    server: Server, lockers: Api, tmp_path: Path
) -> None:
    """`$steps.X.outputs.Y` in a path parameter is the value that the service answered before."""
    store, read = await directed(written(tmp_path, STORE, READ), server.target("old"), lockers, 7)
    code = json.loads(store.recorded.body)["receipt"]["code"]
    assert read.request.target == f"/parcels/{code}"
    assert json.loads(read.recorded.body)["locker"] == "north-3"
    assert [(step.index, step.source) for step in (store, read)] == [
        (7, "scenario/life/store"),
        (8, "scenario/life/read"),
    ]


async def test_a_request_has_the_key_and_exact_json(
    server: Server, lockers: Api, tmp_path: Path
) -> None:
    """A step's request carries the recording's key, and its payload as compact UTF-8 JSON."""
    payload = {"locker": "nörd", "grams": 1}
    step = {**STORE, "requestBody": {"payload": payload}}
    (found,) = await directed(written(tmp_path, step), server.target("old"), lockers, 0)
    body = '{"locker":"nörd","grams":1}'.encode()
    assert found.request.body == body
    assert found.request.headers == (
        ("Authorization", f"Bearer {RECORDED_KEY}"),
        ("Accept", "*/*"),
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
    )


async def test_only_a_post_without_payload_announces_an_empty_body(
    server: Server, lockers: Api, tmp_path: Path
) -> None:
    """A POST without a payload says Content-Length: 0, as clients do; a GET says nothing."""
    post = {"stepId": "nothing", "operationId": "storeParcel"}
    up = {"stepId": "up", "operationId": "up"}
    empty, get = await directed(written(tmp_path, post, up), server.target("old"), lockers, 0)
    assert (empty.request.body, empty.request.header("content-length")) == (b"", "0")
    assert get.request.header("content-length") is None
    assert (empty.recorded.status, get.recorded.status) == (400, 200)


async def test_parameters_are_encoded_into_path_and_query(
    server: Server, lockers: Api, tmp_path: Path
) -> None:
    """A path parameter is percent-encoded whole, slashes too; a query parameter is form-encoded."""
    parameters = [
        {"name": "code", "in": "path", "value": "a/b c"},
        {"name": "since", "in": "query", "value": "2001-01-01T00:00:00+02:00"},
    ]
    step = {"stepId": "read", "operationId": "readParcel", "parameters": parameters}
    (found,) = await directed(written(tmp_path, step), server.target("old"), lockers, 0)
    assert found.request.target == "/parcels/a%2Fb%20c?since=2001-01-01T00%3A00%3A00%2B02%3A00"


@pytest.mark.parametrize(
    "payload",
    [
        "$steps.store.outputs.code",
        {"locker": {"inner": "$steps.store.outputs.code"}},
        {"locker": ["$steps.store.outputs.code"]},
    ],
    ids=["whole", "within objects", "within lists"],
)
async def test_outputs_are_found_anywhere_in_a_payload(
    server: Server, lockers: Api, tmp_path: Path, payload: Any
) -> None:
    """An output counts as the whole payload and at any depth of it, in objects and in lists."""
    later = {"stepId": "again", "operationId": "storeParcel", "requestBody": {"payload": payload}}
    store, again = await directed(written(tmp_path, STORE, later), server.target("old"), lockers, 0)
    code = json.loads(store.recorded.body)["receipt"]["code"].encode()
    assert code in again.request.body
    assert b"$steps" not in again.request.body


async def test_outputs_stay_within_their_workflow(
    server: Server, lockers: Api, tmp_path: Path
) -> None:
    """A workflow does not see the outputs of the one before: scenarios can be moved alone."""
    path = tmp_path / "two.yaml"
    flows = [{"workflowId": "one", "steps": [STORE]}, {"workflowId": "two", "steps": [READ]}]
    path.write_text(yaml.safe_dump({"workflows": flows}), "utf-8")
    with pytest.raises(BrokenInput, match=r"scenario two: no step before has the output"):
        await directed(path, server.target("old"), lockers, 0)


@dataclass
class Disturbed(HttpTarget):
    """The service, with a journal of its changes and requests."""

    journal: list[str] = field(default_factory=list)

    async def change(self, what: str) -> None:
        """Write the change down."""
        self.journal.append(what)

    def can(self, what: str) -> bool:
        """Restart is what the step needs."""
        return what == "restart"

    async def send(self, request: Request) -> Answer:
        """Write the method down, and send."""
        self.journal.append(request.method)
        return await super().send(request)


async def recorded(server: Server, api: Api, path: Path) -> tuple[list[Step], list[str]]:
    """The steps of a file, and the journal of the service that answered them."""
    plain = server.target("old")
    target = Disturbed(plain.name, plain.address, plain.key)
    return await directed(path, target, api, 0), target.journal


async def test_a_change_comes_once_before_the_first_repetition(
    server: Server, lockers: Api, tmp_path: Path
) -> None:
    """`x-before` changes the service once, and only the first of the repeated steps carries it."""
    step = {**STORE, "x-before": "restart", "x-repeat": 3}
    steps, journal = await recorded(server, lockers, written(tmp_path, step))
    assert journal == ["restart", "POST", "POST", "POST"]
    assert [step.before for step in steps] == ["restart", None, None]
    assert len(server.lockers.parcels) == 3


async def test_repetitions_at_once_form_a_group(
    server: Server, lockers: Api, tmp_path: Path
) -> None:
    """`x-at-once` gives all repetitions the name of one group; without it there is none."""
    rush = {**STORE, "stepId": "rush", "x-repeat": 2, "x-at-once": True}
    steps, _ = await recorded(server, lockers, written(tmp_path, rush, STORE))
    assert [step.together for step in steps] == ["scenario/life/rush"] * 2 + [None]


async def test_the_last_repetition_gives_the_output(
    server: Server, lockers: Api, tmp_path: Path
) -> None:
    """After repetitions an output is that of the last answer."""
    *stores, read = await directed(
        written(tmp_path, {**STORE, "x-repeat": 2}, READ), server.target("old"), lockers, 0
    )
    codes = [json.loads(step.recorded.body)["receipt"]["code"] for step in stores]
    assert read.request.target == f"/parcels/{codes[1]}"


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([{"stepId": "x", "operationId": "burnParcel"}], "no operation burnParcel"),
        ([READ], r"scenario life: no step before has the output \$steps.store.outputs.code"),
        ([{"stepId": "x"}], "scenario life.*operationId"),
        ([{"operationId": "up"}], "scenario life.*stepId"),
        ([{**READ, "parameters": [{"name": "code", "in": "path"}]}], "scenario life.*value"),
        ([{**STORE, "requestBody": {}}], "scenario life.*payload"),
    ],
    ids=["operation", "output", "no operation", "no name", "no value", "no payload"],
)
async def test_a_broken_step_is_named(
    server: Server, lockers: Api, tmp_path: Path, steps: list[dict[str, Any]], words: str
) -> None:
    """A step that cannot be sent is broken input, and the message names scenario and fault."""
    with pytest.raises(BrokenInput, match=words):
        await directed(written(tmp_path, *steps), server.target("old"), lockers, 0)


@pytest.mark.parametrize(
    "text", ["", "[", "workflows: 7", "workflows: [{workflowId: a}]", "other: []"]
)
def test_a_file_of_another_form_is_refused(lockers: Api, tmp_path: Path, text: str) -> None:
    """A file that is no Arazzo document is broken input that names the file, not a crash."""
    path = tmp_path / "odd.yaml"
    path.write_text(text, "utf-8")
    target = HttpTarget("old", Address("127.0.0.1", 1), "key")
    with pytest.raises(BrokenInput, match=r"odd\.yaml is not an Arazzo document"):
        asyncio.run(directed(path, target, lockers, 0))
