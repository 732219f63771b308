"""Which of the generated requests stay in the corpus."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from contract.api.api import Api
from contract.api.specification import Specification
from contract.http.messages import Answer, Request
from contract.record.minimise import ALIKE, minimised
from contract.record.proxy import Taken
from contract.tests.another_api.lockers import PROFILE

JSON = (("Content-Type", "application/json"),)


@pytest.fixture
def lockers() -> Api:
    """The lockers' API."""
    return Api.load(PROFILE)


def taken(
    target: str,
    status: int = 400,
    answer: str = '{"error":"x"}',
    *,
    method: str = "GET",
    body: Any = None,
    headers: tuple[tuple[str, str], ...] = (),
) -> Taken:
    """A generated request and its answer; `body` is bytes, or a document."""
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return Taken(Request(method, target, headers, raw), Answer(status, JSON, answer.encode()))


def stored(code: str, **more: Any) -> Taken:
    """A parcel that was stored under a code."""
    answer = json.dumps({"receipt": {"code": code, "storedAt": "2026-01-01T00:00:00.000Z"}})
    return taken("/parcels", 200, answer, method="POST", body={"locker": "a", "grams": 1, **more})


def kept(items: list[Taken], api: Api, most: int = 100) -> list[int]:
    """The indexes of the kept requests."""
    found = minimised(items, api, most)
    return [index for index, item in enumerate(items) if any(item is one for one in found)]


def test_a_few_requests_of_each_shape_stay(lockers: Api) -> None:
    """Of requests that differ only in letters and digits, the first few stay, in their order."""
    items = [taken(f"/parcels/code{'x' * n}{n}") for n in range(ALIKE + 3)]
    assert kept(items, lockers) == list(range(ALIKE))


def crowded(one: Taken, other: Taken) -> list[Taken]:
    """As many requests like the first as stay, told apart by a header's value, and then the other."""
    return [
        replace(item, request=item.request.with_header("X-N", str(n)))
        for n, item in enumerate([*[one] * ALIKE, other])
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (taken("/parcels/a"), taken("/parcels/a", method="DELETE")),
        (taken("/parcels/a"), taken("/parcels/a!")),
        (taken("/parcels/a"), taken("/parcels/§")),
        (taken("/parcels/a?since=1"), taken("/parcels/a?since=-1")),
        (taken("/parcels/a"), taken("/parcels/a", 404)),
        (taken("/parcels/a"), taken("/parcels/a", answer='{"error":"y"}')),
        (taken("/parcels/a"), taken("/parcels/a", headers=(("X-A", "1"),))),
        (taken("/up", headers=JSON), taken("/up", headers=(("Content-Type", "text/plain"),))),
        (
            taken("/up", headers=(("Authorization", "Bearer a"),)),
            taken("/up", headers=(("Authorization", "Bearer b"),)),
        ),
        (taken("/up", body=b""), taken("/up", body=b"{")),
        (taken("/up", body=[]), taken("/up", body="a")),
        (taken("/up", body={"n": 1}), taken("/up", body={"n": -1})),
        (taken("/up", body={"n": 1}), taken("/up", body={"n": 0})),
        (taken("/up", body={"n": 1}), taken("/up", body={"n": 2**40})),
        (taken("/up", body={"n": 1}), taken("/up", body={"n": 1.5})),
        (taken("/up", body={"n": 1}), taken("/up", body={"n": True})),
        (taken("/up", body={"n": 1}), taken("/up", body={"m": 1})),
        (taken("/up", body={"n": "a"}), taken("/up", body={"n": " "})),
    ],
)
def test_what_tells_shapes_apart(one: Taken, other: Taken, lockers: Api) -> None:
    """Operation, parameters, headers, kinds of values, and the answer: a new shape always stays."""
    assert ALIKE in kept(crowded(one, other), lockers)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (taken("/parcels/abc"), taken("/parcels/x")),
        (taken("/parcels/a1"), taken("/parcels/b22")),
        (taken("/up?a=1&b=2"), taken("/up?b=7&a=3")),
        (taken("/up", body={"n": 1}), taken("/up", body={"n": 77})),
        (taken("/up", answer='{"at":123}'), taken("/up", answer='{"at":45}')),
        (
            taken("/up", headers=(("A", "1"), ("B", "2"))),
            taken("/up", headers=(("b", "1"), ("a", "2"))),
        ),
    ],
)
def test_what_does_not_tell_shapes_apart(one: Taken, other: Taken, lockers: Api) -> None:
    """Words of letters, sizes of numbers, and the order of headers and parameters show nothing new."""
    assert ALIKE not in kept(crowded(one, other), lockers)


def test_a_refused_request_that_was_sent_before_is_left_out(lockers: Api) -> None:
    """The same bytes with the same refusal stay once; a repeated success may matter, and stays."""
    assert kept([taken("/parcels/a"), taken("/parcels/a")], lockers) == [0]
    assert kept([taken("/up", 200), taken("/up", 200)], lockers) == [0, 1]


def test_another_answer_to_the_same_bytes_is_something_new(lockers: Api) -> None:
    """A parcel that was there and is gone shows two answers to one request: both stay."""
    assert kept([taken("/parcels/a", 200), taken("/parcels/a", 404)], lockers) == [0, 1]
    assert kept([taken("/parcels/a", 400), taken("/parcels/a", 401)], lockers) == [0, 1]


def test_the_inside_of_a_nested_key_counts(lockers: Api) -> None:
    """The profile's `nested` names a key of bodies whose inside tells shapes apart."""
    plain = [taken("/up", body={"c": {"a": n}}) for n in range(ALIKE)]
    other = taken("/up", body={"c": {"b": "x"}})
    assert ALIKE not in kept([*plain, other], lockers)
    nested = replace(lockers, profile=replace(lockers.profile, nested="c"))
    assert ALIKE in kept([*plain, other], nested)


def test_fewer_of_each_shape_stay_when_there_are_too_many(lockers: Api) -> None:
    """Variety comes before number: with little room each shape keeps fewer, at last one, request."""
    items = [taken(f"/parcels/{mark}{'a' * n}") for mark in "!$()," for n in range(1, ALIKE + 1)]
    assert len(kept(items, lockers, most=20)) == 20
    assert kept(items, lockers, most=10) == [0, 1, 4, 5, 8, 9, 12, 13, 16, 17]
    assert kept(items, lockers, most=9) == [0, 4, 8, 12, 16]
    assert kept(items, lockers, most=3) == [0, 4, 8]


def test_the_request_that_handed_out_an_id_stays_with_its_user(lockers: Api) -> None:
    """A kept request for an id keeps the one that made it, though its own shape is crowded."""
    crowd = [stored(f"code-number{n}", locker="a" * (n + 1)) for n in range(ALIKE + 2)]
    user = taken("/parcels/code-number5", 200, '{"code":"code-number5"}')
    assert kept([*crowd, user], lockers) == [0, 1, 2, 3, ALIKE + 1, ALIKE + 2]
    assert kept(crowd, lockers) == [0, 1, 2, 3]


def test_an_id_that_nobody_handed_out_needs_no_source(lockers: Api) -> None:
    """An id made up by the generator, or handed out later, keeps no other request."""
    user = taken("/parcels/code-number9", 404)
    later = [stored(f"code-number{n}", locker="a" * (n + 1)) for n in range(ALIKE + 6)]
    assert kept([user, *later], lockers) == [0, 1, 2, 3, 4]


NESTED = {
    "openapi": "3.1.0",
    "paths": {
        "/parcels": {"post": {"responses": {"200": {"$ref": "#/components/responses/New"}}}},
        "/parcels/{code}/labels": {
            "post": {"responses": {"200": {"$ref": "#/components/responses/New"}}}
        },
        "/labels/{code}": {"get": {"responses": {"200": {"description": "A label."}}}},
    },
    "components": {
        "responses": {
            "New": {
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Made"}}}
            }
        },
        "schemas": {
            "Made": {"properties": {"id": {"$ref": "#/components/schemas/ParcelCode"}}},
            "ParcelCode": {"type": "string"},
        },
    },
}


def test_sources_of_sources_stay_too() -> None:
    """A label of a parcel needs the parcel: the whole chain of ids stays."""
    api = Api(Specification(NESTED, "ParcelCode"), PROFILE)

    def made(target: str, code: str, n: int) -> Taken:
        return taken(target, 200, json.dumps({"id": code}), method="POST", body={"n": "a" * n})

    parcels = [made("/parcels", f"parcel-num-{n}", n + 1) for n in range(ALIKE + 1)]
    labels = [
        made(f"/parcels/parcel-num-{n}/labels", f"label-numb-{n}", 1) for n in (0, 1, 2, 3, 4)
    ]
    user = taken("/labels/label-numb-4", 200, "{}")
    assert ALIKE in kept([*parcels, *labels, user], api)


def test_nothing_generated_is_nothing_kept(lockers: Api) -> None:
    """A recording without seeds has no generated requests."""
    assert minimised([], lockers, 10) == []


def test_odd_bodies_have_a_shape(lockers: Api) -> None:
    """Bodies that do not parse, or nest without end, are requests like others."""
    items = [taken("/up", body=body) for body in (b"\xff", b"[" * 100_000, b"{", b"7", b"null")]
    assert kept(items, lockers) == [0, 1, 2, 3, 4]
