"""Variants of valid requests: each differs from it in what its name says, and in nothing else."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator

import pytest

from contract.http.messages import RECORDED_KEY, Request
from contract.record import mutators
from contract.record.mutators import variants

KEY = ("Authorization", f"Bearer {RECORDED_KEY}")
DOCUMENT = {"locker": "east-7", "grams": 1200, "fragile": False, "note": None, "to": {"a": "b\na"}}
BODY = json.dumps(DOCUMENT).encode()
POST = Request("POST", "/parcels/abc", (KEY,)).with_header("Content-Type", "application/json")
POST = POST.with_body(BODY)
GET = Request("GET", "/parcels/abc?since=2001-01-01", (KEY,))


def named(found: Iterator[tuple[str, Request]]) -> dict[str, Request]:
    """The variants by their names, each of which stands once."""
    pairs = list(found)
    assert len({name for name, _ in pairs}) == len(pairs)
    return dict(pairs)


@pytest.mark.parametrize("request_", [GET, POST], ids=["get", "post"])
def test_all_variants_have_names_and_differ(request_: Request) -> None:
    """A name stands once, has its mutator in front, and no variant is the valid request itself."""
    found = named(variants(request_, ("since",), 5000))
    assert all(re.fullmatch(r"[a-z_]+/\S+", name) for name in found)
    assert [name for name, variant in found.items() if variant == request_] == []
    assert len(found) > 40


def test_a_request_without_a_body_gets_no_variants_of_one() -> None:
    """Layouts, fields and content types need a body; bodies nobody asked for need its absence."""
    of_get = {name.partition("/")[0] for name in named(variants(GET, (), 5000))}
    of_post = {name.partition("/")[0] for name in named(variants(POST, (), 5000))}
    assert of_post - of_get == {"layouts", "fields", "content_types"}
    assert of_get - of_post == {"unasked_bodies"}


def test_variants_of_the_key_change_nothing_else() -> None:
    """Each has another Authorization header than the right one; all else is the valid request."""
    for variant in named(mutators.keys(POST)).values():
        assert variant.header("authorization") != KEY[1]
        assert variant.with_header("Authorization", KEY[1]).with_body(BODY) == POST.with_header(
            "Authorization", KEY[1]
        ).with_body(BODY)
    assert named(mutators.keys(POST))["no-key"].header("authorization") is None


def test_variants_of_the_path_keep_the_query_and_come_without_key_too() -> None:
    """Every spelling of the path keeps the query, and has a twin without the key."""
    found = named(mutators.paths(GET))
    for name, variant in found.items():
        assert (variant.query, variant.path != GET.path) == (GET.query, True)
        if not name.endswith("-no-key"):
            twin = found[f"{name}-no-key"]
            assert twin == variant.with_header("Authorization", None)
    assert found["inner-double-slash"].path == "/parcels//abc"
    assert found["encoded-letter"].path == "/p%61rcels/abc"


def test_a_spelling_that_changes_nothing_is_left_out() -> None:
    """A path without the letter `a` has no variant with that letter encoded."""
    found = named(mutators.paths(Request("GET", "/up", ())))
    assert "encoded-letter" not in found
    assert "upper-case" in found


def test_variants_of_the_query_use_the_apis_dates() -> None:
    """Dates are given to the API's own parameters, the first as start and the last as end."""
    found = named(mutators.queries(GET, ("from", "middle", "until")))
    assert found["end-before-start"].query == "from=2990-01-01&until=2001-01-01"
    assert found["start-twice"].query.count("from=") == 2
    assert found["case-of-name"].query.startswith("FROM=")
    assert {variant.path for variant in found.values()} == {GET.path}


def test_an_api_without_dates_gets_only_the_general_queries() -> None:
    """Without date parameters an unknown parameter and an empty query remain."""
    found = named(mutators.queries(GET, ()))
    assert {name: variant.target for name, variant in found.items()} == {
        "unknown-parameter": "/parcels/abc?surprise=1",
        "empty-query": "/parcels/abc?",
    }


def test_every_other_method_is_tried_on_the_path() -> None:
    """All methods but the request's own are sent, each with its head and body."""
    found = named(mutators.methods(POST))
    assert {variant.method for variant in found.values()} == {
        *("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
    }
    assert {variant.body for variant in found.values()} == {BODY}


def test_content_types_say_what_the_bytes_are() -> None:
    """UTF-16, gzip, byte order mark and chunks hold the valid document, framed as announced."""
    found = named(mutators.content_types(POST))
    assert json.loads(found["utf-16"].body.decode("utf-16")) == DOCUMENT
    assert json.loads(gzip.decompress(found["gzip"].body)) == DOCUMENT
    assert found["byte-order-mark"].body.decode("utf-8-sig") == BODY.decode()
    for name, variant in found.items():
        if name != "chunked":
            assert variant.header("content-length") == str(len(variant.body)), name
    chunked = found["chunked"]
    assert (chunked.header("content-length"), chunked.header("transfer-encoding")) == (
        None,
        "chunked",
    )
    first, rest = chunked.body.split(b"\r\n", 1)
    size = int(first, 16)
    second, end = rest[size + 2 :].split(b"\r\n", 1)
    assert rest[:size] + end[: int(second, 16)] == BODY
    assert end.endswith(b"\r\n0\r\n\r\n")


def test_packed_bodies_are_the_same_at_every_recording() -> None:
    """Gzip would write the time of packing, which would change the corpus each time."""
    assert named(mutators.content_types(POST))["gzip"].body[4:8] == b"\0\0\0\0"


@pytest.mark.parametrize("name", ["white-space", "reversed-keys", "escapes", "space-around"])
def test_other_layouts_are_the_same_document(name: str) -> None:
    """White space, key order and escapes change the bytes and not the document."""
    found = named(mutators.layouts(POST))[name]
    assert json.loads(found.body) == DOCUMENT
    assert found.body != BODY
    assert found.header("content-length") == str(len(found.body))


@pytest.mark.parametrize(
    "name",
    ["cut-short", "tail", "trailing-comma", "single-quotes", "not-utf-8", "deep", "empty-body"],
)
def test_broken_layouts_are_no_json(name: str) -> None:
    """A layout that is named broken does not parse, in Python either."""
    found = named(mutators.layouts(POST))[name]
    with pytest.raises((ValueError, RecursionError)):
        json.loads(found.body)
    assert found.header("content-length") == str(len(found.body))


def test_each_field_is_left_out_spelt_and_given_twice() -> None:
    """Every key of the document has a variant without it, in upper case, and given twice."""
    found = named(mutators.fields(POST))
    for key in DOCUMENT:
        without = json.loads(found[f"without-{key}"].body)
        assert without == {k: v for k, v in DOCUMENT.items() if k != key}
        assert json.loads(found[f"upper-case-{key}"].body) == {
            **without,
            key.upper(): DOCUMENT[key],
        }
        pairs = json.loads(found[f"twice-{key}"].body, object_pairs_hook=list)
        assert [k for k, _ in pairs].count(key) == 2
    assert json.loads(found["extra-field"].body) == {**DOCUMENT, "surprise": 1}
    assert "__proto__" in json.loads(found["proto-field"].body)


def test_each_field_gets_values_of_other_types() -> None:
    """Null, a flag, a list and an object stand for every value; texts and numbers get edges too."""
    found = named(mutators.fields(POST))
    for key, value in DOCUMENT.items():
        changed = {n: json.loads(found[f"{key}-{n}"].body)[key] for n in ("list", "object", "true")}
        assert changed == {"list": [value], "object": {"value": value}, "true": True}
    assert json.loads(found["grams-as-text"].body)["grams"] == "1200"
    assert json.loads(found["grams-beyond-53-bits"].body)["grams"] == 2**53
    assert json.loads(found["locker-nul"].body)["locker"] == "a\0b"
    assert json.loads(found["locker-long"].body)["locker"] == "x" * 256
    assert b"\\ud800" in found["locker-half-surrogate"].body
    assert json.loads(found["to-empty"].body)["to"] == {}


@pytest.mark.parametrize(
    ("name", "lexeme"),
    [
        ("grams-point-zero", b": 1200.0,"),
        ("grams-exponent", b": 1200e0,"),
        ("grams-minus-zero", b": -0,"),
        ("grams-infinite", b": 1e999,"),
        ("grams-precise", b": 1.0000000000000001,"),
    ],
)
def test_forms_of_a_number_are_written_as_named(name: str, lexeme: bytes) -> None:
    """Forms that a JSON writer cannot give, such as 1200.0 for a whole number, are in the bytes."""
    found = named(mutators.fields(POST))[name]
    assert b'"grams"' + lexeme in found.body
    json.loads(found.body)


def test_a_flag_is_no_number() -> None:
    """A flag gets no forms of a number: `False.0` would only be another broken JSON."""
    names = named(mutators.fields(POST))
    assert [name for name in names if name.startswith("fragile-") and "zero" in name] == []


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_bodies_nobody_asked_for_are_complete(method: str) -> None:
    """They carry a type and their length, so that the service sees a whole body."""
    found = named(mutators.unasked_bodies(Request(method, "/a", (KEY,))))
    assert set(found) == {"malformed", "text", "object", "charset"}
    for variant in found.values():
        assert variant.header("content-length") == str(len(variant.body))
        assert (variant.header("content-type") or "").startswith("application/json")


def test_the_large_body_has_exactly_the_size_that_the_api_refuses() -> None:
    """One byte less would be allowed: the body is as large as the profile says, and valid JSON."""
    found = named(mutators.sizes(POST, 5000))
    assert len(found["large-body"].body) == 5000
    assert set(json.loads(found["large-body"].body)) == {"x"}
    assert len(found["large-head"].header("x-filler") or "") > 16 * 1024  # Node.js' limit for heads
    assert len(found["quite-large-head"].header("x-filler") or "") < 16 * 1024
