"""Changes of answers by name, as mutants and the ledger's audit use them."""

from __future__ import annotations

from typing import Any

import pytest

from contract.errors import BrokenInput
from contract.http.messages import Answer, Effect
from contract.values.answer_changes import ANSWER_CHANGES, changed

JSON = ("Content-Type", "application/json")
TIME = '{"at":"2026-01-02T03:04:05.678Z"}'


def after(body: str, change: dict[str, Any], **facts: Any) -> str:
    """The body after a change."""
    return changed(Answer(200, (JSON,), body.encode()), change, facts).text


@pytest.mark.parametrize(
    ("change", "body", "expected"),
    [
        ({"body": "gone"}, '{"a":1}', "gone"),
        ({"body": {"x": [1]}}, '{"a":1}', '{"x":[1]}'),
        ({"set": {"/a": "1", "/b": None}}, '{"a":1}', '{"a":"1","b":null}'),
        ({"remove": ["/a", "/b/c"]}, '{"a":1,"b":{"c":2,"d":3}}', '{"b":{"d":3}}'),
        ({"rename": {"a": "x"}}, '{"a":{"a":1}}', '{"x":{"x":1}}'),
        ({"reverse": ""}, '{"a":1,"b":2}', '{"b":2,"a":1}'),
        ({"reverse": "/a"}, '{"a":[1,2]}', '{"a":[2,1]}'),
        ({"sort": "/a"}, '{"a":[2,1.0,3]}', '{"a":[1.0,2,3]}'),
        ({"drop-last": "/a"}, '{"a":[1,2]}', '{"a":[1]}'),
        ({"repeat-last": "/a"}, '{"a":[1,2]}', '{"a":[1,2,2]}'),
        ({"repeat-last": "/a"}, '{"a":[]}', '{"a":[]}'),
        ({"lexemes": {"/a": "{value}.0"}}, '{"a":7}', '{"a":7.0}'),
        ({"lexemes": {"/a": "{value}e0"}}, '{"a":"7"}', '{"a":"7"}'),
        ({"words": {"no(t)": r"NO\1"}}, '{"a":"not"}', '{"a":"NOt"}'),
        ({"layout": True}, '{"a":1}', '{\n  "a": 1\n}'),
    ],
)
def test_each_change_of_a_body(change: dict[str, Any], body: str, expected: str) -> None:
    """A change does what its name says, and number forms outside of it stay."""
    assert after(body, change) == expected


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("offset", '"2026-01-02T03:04:05.678+00:00"'),
        ("no-zone", '"2026-01-02T03:04:05.678"'),
        ("microseconds", '"2026-01-02T03:04:05.678000Z"'),
        ("seconds", '"2026-01-02T03:04:05Z"'),
        ("space", '"2026-01-02 03:04:05.678Z"'),
        ("lower-case", '"2026-01-02t03:04:05.678z"'),
        ("epoch-milliseconds", "1767323045678"),
        ("epoch-text", '"1767323045"'),
        ("hour-late", '"2026-01-02T04:04:05.678Z"'),
        ("hour-early", '"2026-01-02T02:04:05.678Z"'),
        ("date", '"2026-01-02"'),
        ("http", '"Fri, 02 Jan 2026 03:04:05 GMT"'),
    ],
)
def test_each_form_of_a_time(form: str, expected: str) -> None:
    """Every form of a time differs from the original in exactly one way."""
    assert after(TIME, {"times": {"/at": form}}) == f'{{"at":{expected}}}'


def test_status_and_headers() -> None:
    """A status is replaced; a header is replaced whatever its letter case, or removed by null."""
    answer = changed(
        Answer(200, (JSON, ("X-A", "1")), b""),
        {"status": 418, "headers": {"content-type": "text/plain", "x-a": None, "x-b": "2"}},
        {},
    )
    assert answer.status == 418
    assert answer.headers == (("content-type", "text/plain"), ("x-b", "2"))


@pytest.mark.parametrize(
    ("what", "bodies"),
    [("none", []), ("twice", ["<parcel-3>", "<parcel-3>"]), ("<parcel-0>", ["<parcel-0>"])],
)
def test_calls_to_the_peer(what: str, bodies: list[str]) -> None:
    """Side effects can vanish, double, or name another id, whatever the symbol is called."""
    answer = Answer(200, (), b"", effects=(Effect("Launch", "<parcel-3>"),))
    effects = changed(answer, {"effects": what}, {}).effects
    assert [effect.body for effect in effects] == bodies


def test_a_change_may_use_facts() -> None:
    """Texts with `= ` are expressions; one that fails names the change."""
    assert after('{"n":1}', {"set": {"/n": "= count + 1"}}, count=4) == '{"n":5}'
    with pytest.raises(BrokenInput, match="mutant's set"):
        after('{"n":1}', {"set": {"/n": "= missing"}})


def test_a_change_of_json_leaves_other_bodies() -> None:
    """What does not fit changes nothing: a text has no keys."""
    answer = Answer(200, (("Content-Type", "text/plain"),), b"text")
    assert changed(answer, {"set": {"/a": 1}, "reverse": ""}, {}) == answer


def test_every_name_has_a_change() -> None:
    """The names that a file of mutants may use are those that happen."""
    assert {"status", "times", "effects"} <= ANSWER_CHANGES
    assert changed(Answer(200, (), b"x"), {"key": "right"}, {}) == Answer(200, (), b"x")
