"""Differences between two answers."""

from __future__ import annotations

import time

import pytest

from contract.api.specification import PlaceType
from contract.http.messages import Answer, Effect
from contract.judge.compare import differences, expected_from
from contract.values.typed_values import Window

JSON = ("Content-Type", "application/json; charset=utf-8")
NOW = time.time()


def answer(body: str, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """An answer of just now."""
    return Answer(status, (JSON, *headers), body.encode(), NOW, NOW + 0.01)


def kinds(old: Answer, new: Answer, places: dict[str, PlaceType] | None = None) -> list[str]:
    """The kinds of difference between two answers."""
    expected = expected_from(old, places or {}, Window(new.sent, new.received))
    return [difference.kind for difference in differences(expected, new, "LiveKit")]


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ('{"a":1}', '{"a":2}', "value"),
        ('{"a":1}', '{"a":"1"}', "type"),
        ('{"a":1}', '{"a":1.0}', "number form"),
        ('{"a":1}', '{"a":1e0}', "number form"),
        ('{"a":true}', '{"a":1}', "type"),
        ('{"a":null}', "{}", "missing"),
        ("{}", '{"a":null}', "extra"),
        ('{"a":1,"b":2}', '{"b":2,"a":1}', "key order"),
        ('{"a":1}', '{"a": 1}', "layout"),
        ("[1,2]", "[2,1]", "order"),
        ("[1,2]", "[1]", "length"),
        ("{}", "", "body kind"),
        ("{}", "null", "body kind"),
        ('{"a":1}', '{"a":1,"a":1}', "body kind"),
        ('{"a":"x"}', '{"a":"X"}', "value"),
    ],
)
def test_bodies_differ(old: str, new: str, kind: str) -> None:
    """Types, number forms, key order, layout and both missing and extra keys count."""
    assert kinds(answer(old), answer(new)) == [kind]
    assert kinds(answer(old), answer(old)) == []


@pytest.mark.parametrize(
    ("header", "kind"),
    [(("Set-Cookie", "a=1"), "header extra"), (("Content-Type", "text/plain"), "header value")],
)
def test_headers_differ(header: tuple[str, str], kind: str) -> None:
    """A header more, or another value, is a difference."""
    assert kind in kinds(answer("{}"), answer("{}", headers=(header,)))


def test_framing_is_no_difference() -> None:
    """Date, length and transfer encoding belong to the message's framing."""
    framed = answer("{}", headers=(("Date", "today"), ("Transfer-Encoding", "chunked")))
    assert kinds(answer("{}", headers=(("Content-Length", "2"),)), framed) == []


def stamp(seconds: float) -> str:
    """A time as both services write it."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1000):03d}Z"


@pytest.mark.parametrize(
    "text",
    [
        stamp(NOW).replace("Z", "+00:00"),
        stamp(NOW).replace("Z", "000Z"),
        stamp(NOW)[:-5] + "Z",
        stamp(NOW - 3600),
        stamp(NOW + 3600),
        "yesterday",
    ],
    ids=["offset", "microseconds", "whole-seconds", "an-hour-ago", "in-an-hour", "words"],
)
def test_times_must_be_times_of_now_in_the_same_form(text: str) -> None:
    """Another zone, precision, hour or no time at all is a difference; another moment is not."""
    places: dict[str, PlaceType] = {"/at": "moment"}
    old = answer(f'{{"at":"{stamp(NOW)}"}}')
    assert kinds(old, answer(f'{{"at":"{text}"}}'), places) == ["time"]
    assert kinds(old, answer(f'{{"at":"{stamp(NOW + 0.2)}"}}'), places) == []


def test_calls_to_livekit_count() -> None:
    """A call that the other service did not make is a difference."""
    silent = answer("{}")
    calling = Answer(200, (JSON,), b"{}", NOW, NOW, (Effect("Launch", '{"room":"a"}'),))
    assert kinds(silent, calling) == ["side effect"]
    assert kinds(calling, calling) == []
