"""Schemathesis, run against a real service through the recording proxy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract.errors import BrokenInput
from contract.http.address import Address
from contract.http.messages import RECORDED_KEY
from contract.record.generate import generated
from contract.targets.http_target import HttpTarget
from contract.tests.another_api.lockers import PROFILE, Behaviour, Parcel, Server


@pytest.fixture
def server() -> Iterator[Server]:
    """The old locker service, with a parcel that a reset must remove."""
    found = Server(Behaviour())
    found.lockers.parcels["left-before"] = Parcel("x", 1, "2026-01-01T00:00:00.000Z")
    yield found
    found.stop()


def document(folder: Path, paths: dict[str, Any]) -> Path:
    """An openapi.yaml with these paths."""
    path = folder / "openapi.yaml"
    whole = yaml.safe_load(PROFILE.files.contract.read_text("utf-8"))
    path.write_text(yaml.safe_dump({**whole, "paths": paths}), "utf-8")
    return path


async def test_generated_requests_reach_the_service_with_its_key_and_are_recorded(
    server: Server, tmp_path: Path
) -> None:
    """Each seed gives requests to a fresh old service, which sees its own key; the record does not.

    Without the service's key every guarded operation would answer 401, and the generator would never
    get an id to follow. Paths that only the new service has are left out.
    """
    operations = {"200": {"description": "A parcel."}, "404": {"description": "None."}}
    read = {"operationId": "read", "responses": operations}
    paths = {"/parcels/left-before": {"get": read}, "/own": {"x-own": True, "get": read}}
    resets: list[int] = []

    async def reset() -> None:
        resets.append(len(server.lockers.parcels))

    words: list[str] = []
    target = replace(server.target("old"), hooks={"reset": reset})
    found = await generated(target, document(tmp_path, paths), [11], 1, words.append)
    assert resets == [1]
    assert words == [f"seed 11: {len(found)} requests"]
    keyed = [i for i in found if i.request.header("authorization") == f"Bearer {RECORDED_KEY}"]
    assert {i.answer.status for i in keyed if i.request.path == "/parcels/left-before"} - {404, 501}
    assert 401 not in {i.answer.status for i in keyed}
    assert not [i.request.path for i in found if i.request.path.startswith("/own")]


async def test_a_document_that_schemathesis_refuses_is_broken_input(
    server: Server, tmp_path: Path
) -> None:
    """When nothing can be generated the recording ends with the generator's own words."""
    path = tmp_path / "openapi.yaml"
    path.write_text("paths: {}\n", "utf-8")
    words = r"(?s)could not generate from .*openapi\.yaml \(exit \d+\).*Open API version"
    with pytest.raises(BrokenInput, match=words):
        await generated(server.target("old"), path, [1], 1, lambda _: None)


async def test_without_seeds_nothing_is_started(tmp_path: Path) -> None:
    """No seed, no request, no reset: neither service nor document need be there."""
    nobody = HttpTarget("old", Address("127.0.0.1", 1), "k")
    assert await generated(nobody, tmp_path / "missing.yaml", [], 1, lambda _: None) == []
