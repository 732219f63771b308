"""The whole recording: what is sent, in which order, and what is frozen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract.api.api import Api
from contract.api.profile import ApiProfile, Example, Examples
from contract.corpus import frozen
from contract.corpus.steps import Corpus
from contract.errors import BrokenInput, Inconclusive
from contract.http.messages import RECORDED_KEY
from contract.record.recording import Amount, record
from contract.tests.another_api.lockers import KEY, PROFILE, Behaviour, Parcel, Server, profile_for

PARCEL = {"locker": "east-7", "grams": 1200}
STORE = Example("store-0", "POST", "/parcels", PARCEL)
READ = Example("read", "GET", "/parcels/{0}")


@pytest.fixture
def server() -> Iterator[Server]:
    """The old locker service."""
    found = Server(Behaviour())
    yield found
    found.stop()


def profile(folder: Path, examples: Examples, *steps: dict[str, Any]) -> ApiProfile:
    """The lockers' profile with other examples, and with scenarios of these steps, if any."""
    files = replace(profile_for(folder / "corpus").files, scenarios=None)
    if steps:
        path = folder / "scenarios.yaml"
        flow = {"workflowId": "flow", "steps": list(steps)}
        path.write_text(yaml.safe_dump({"workflows": [flow]}), "utf-8")
        files = replace(files, scenarios=path)
    return replace(PROFILE, files=files, examples=examples)


async def recorded(server: Server, given: ApiProfile) -> Corpus:
    """Record without generated requests."""
    amount = Amount(seeds=())
    contract = given.files.contract
    folder = given.files.corpus
    target = server.target("old")
    return await record(target, Api.load(given), contract, amount, folder, lambda _: None)


async def test_setup_comes_first_and_each_example_has_its_variants(
    server: Server, tmp_path: Path
) -> None:
    """Set-up requests, then each valid request, its variants, and the valid request once more."""
    corpus = await recorded(server, profile(tmp_path, Examples((STORE,), (READ,))))
    sources = [step.source for step in corpus.steps]
    assert sources[:2] == ["mutator/setup/store-0", "mutator/read/valid"]
    assert sources[-1] == "mutator/read/valid-after"
    assert all(source.startswith("mutator/read/") for source in sources[1:])
    assert [step.index for step in corpus.steps] == list(range(len(sources)))


async def test_examples_get_the_ids_of_the_setup(server: Server, tmp_path: Path) -> None:
    """`{0}` and `{1}` in a target are the ids that the first and second set-up requests were given."""
    second = replace(STORE, name="store-1", body={**PARCEL, "grams": 7})
    read = replace(READ, target="/parcels/{1}")
    corpus = await recorded(server, profile(tmp_path, Examples((STORE, second), (read,))))
    valid = next(step for step in corpus.steps if step.source == "mutator/read/valid")
    assert json.loads(valid.recorded.body)["grams"] == 7


async def test_an_example_without_its_id_is_broken_input(server: Server, tmp_path: Path) -> None:
    """An example that needs more ids than the set-up hands out is named, with the number of ids."""
    given = profile(tmp_path, Examples((STORE,), (replace(READ, target="/parcels/{1}"),)))
    with pytest.raises(BrokenInput, match="example read needs more ids than the 1"):
        await recorded(server, given)
    assert not (tmp_path / "corpus").exists()


async def test_the_frozen_answers_are_those_of_a_replay_from_fresh_state(
    server: Server, tmp_path: Path
) -> None:
    """What is frozen is one replay of everything: state from before the recording does not count."""
    server.lockers.parcels["left-before"] = Parcel("x", 1, "2026-01-01T00:00:00.000Z")
    given = profile(
        tmp_path, Examples((STORE,), (READ, replace(READ, target="/parcels/left-before")))
    )
    corpus = await recorded(server, given)
    by_source = {step.source: step for step in corpus.steps}
    assert by_source["mutator/read/valid"].recorded.status == 404
    store = by_source["mutator/setup/store-0"]
    code = json.loads(store.recorded.body)["receipt"]["code"]
    assert code in server.lockers.parcels  # the id is that of the last replay, not of the first try
    reads = [s.request.target for s in corpus.steps if s.source == "mutator/read/keys/no-key"]
    assert f"/parcels/{code}" in reads


async def test_no_key_but_the_recordings_is_frozen(server: Server, tmp_path: Path) -> None:
    """The service saw its own key; the corpus on disk has the placeholder alone."""
    corpus = await recorded(server, profile(tmp_path, Examples((STORE,), (READ,))))
    assert KEY not in (tmp_path / "corpus" / "requests.har").read_text()
    assert corpus.steps[0].request.header("authorization") == f"Bearer {RECORDED_KEY}"
    assert corpus.steps[0].recorded.status == 200
    assert frozen.load(tmp_path / "corpus").hash == corpus.hash


async def test_requests_of_examples_are_framed(server: Server, tmp_path: Path) -> None:
    """A body has type and length; a POST without body says that it has none; a GET says nothing."""
    bare = Example("bare", "POST", "/parcels")
    corpus = await recorded(server, profile(tmp_path, Examples((STORE, bare), (READ,))))
    store, empty, read = (step.request for step in corpus.steps[:3])
    assert store.header("content-type") == "application/json"
    assert store.header("content-length") == str(len(json.dumps(PARCEL)))
    assert (empty.header("content-length"), empty.header("content-type")) == ("0", None)
    assert read.header("content-length") is None


async def test_scenarios_come_before_variants_and_faults_last(
    server: Server, tmp_path: Path
) -> None:
    """Scenarios with faults stand at the end: a fault would disturb all that follows it."""
    step = {"stepId": "up", "operationId": "up"}
    given = profile(tmp_path, Examples((STORE,), (READ,)), step)
    files = replace(given.files, scenarios_with_faults=given.files.scenarios)
    corpus = await recorded(server, replace(given, files=files))
    sources = [s.source for s in corpus.steps]
    assert [n for n, s in enumerate(sources) if s == "scenario/flow/up"] == [0, len(sources) - 1]


async def test_a_change_that_the_old_service_cannot_make_ends_the_recording(
    server: Server, tmp_path: Path
) -> None:
    """A corpus with steps that nobody answered is not frozen: the missing change is named."""
    step = {"stepId": "up", "operationId": "up", "x-before": "restart"}
    given = profile(tmp_path, Examples(), step)
    with pytest.raises(Inconclusive, match=r"the old service cannot do .*restart"):
        await recorded(server, given)
    assert not (tmp_path / "corpus").exists()


async def test_progress_is_reported(server: Server, tmp_path: Path) -> None:
    """The recorder reports how many requests were generated and kept, and the frozen hash."""
    given = profile(tmp_path, Examples((STORE,), (READ,)))
    words: list[str] = []
    corpus = await record(
        server.target("old"), Api.load(given), given.files.contract, Amount(()),
        given.files.corpus, words.append,
    )  # fmt: skip
    assert words == [
        "generated: 0 requests, 0 chosen, 0 kept",
        f"frozen: {len(corpus.steps)} requests, hash {corpus.hash[:12]}",
    ]
