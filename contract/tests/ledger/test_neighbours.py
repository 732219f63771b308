"""Answers that are nearly an accepted one: the audit of the ledger tries each."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from contract.api.api import Api
from contract.http.messages import Answer, Effect
from contract.judge.exchange import Exchange
from contract.judge.judge import judge
from contract.judge.rules import Rule
from contract.ledger.neighbours import neighbours
from contract.tests.another_api.lockers import PROFILE
from contract.tests.samples import HTML, answer, exchanged, request
from contract.values.expressions import Expression

API = Api.load(PROFILE)


def rule(new: dict[str, Any]) -> Rule:
    """A rule that holds always."""
    return Rule("the-rule", "*", Expression.of("true", "x"), new)


def case(new: Answer, method: str = "GET") -> Exchange:
    """An exchange with this new answer."""
    return exchanged(API, request(method, "/parcels/x"), answer({"a": 1}), new)


def named(new: Answer, changes: dict[str, Any], method: str = "GET") -> dict[str, Answer]:
    """The neighbours of an answer by their names."""
    found = dict(neighbours(case(new, method), rule(changes), "LiveKit"))
    assert new not in found.values()
    return found


ALWAYS = {"one header more", "no content type"}


def test_the_answer_itself_is_no_neighbour() -> None:
    """Null in place of null, or no content type where there was none, would look like a leak."""
    assert "a as null" not in named(answer({"a": None}), {"body": {}})
    assert "no content type" not in named(answer(None, 204), {"status": 204})


def test_a_body_has_neighbours_for_each_of_its_keys() -> None:
    """Each key is missing, null, or has another value; one key is there that should not be."""
    found = named(answer({"n": 1, "b": True, "t": "x", "l": [2]}), {"body": {}})
    bodies = {name: json.loads(each.body) for name, each in found.items()}
    assert bodies["an additional key"] == {"n": 1, "b": True, "t": "x", "l": [2], "surprise": 1}
    assert bodies["no n"] == {"b": True, "t": "x", "l": [2]}
    assert bodies["n as null"]["n"] is None
    others = {key: bodies[f"another {key}"][key] for key in "nbtl"}
    assert others == {"n": "1", "b": False, "t": "not x", "l": "something else"}
    assert found["another status"].status == 201
    assert len(found) == 2 + 1 + 1 + 4 * 3


def test_every_neighbour_is_noticed_by_an_exact_rule() -> None:
    """None of the neighbours passes when the rule demands exactly what the service answered."""
    exact = rule({"status": 410, "body": {"error": "gone", "code": 7}, "effects": []})
    made = replace(answer({"error": "gone", "code": 7}, 410), effects=())
    exchange = case(made)
    assert judge(exchange, (exact,), API).differences == ()
    for name, neighbour in neighbours(exchange, exact, "LiveKit"):
        assert judge(exchange.answered(neighbour), (exact,), API).differences, name


def test_a_rule_about_headers_alone_has_no_bodies() -> None:
    """The named headers get another value; status and body are not the rule's business."""
    found = named(answer({}), {"headers": {"allow": "GET", "etag": None}})
    assert set(found) == ALWAYS | {
        "header allow with another value",
        "header etag with another value",
    }
    assert found["header allow with another value"].header("allow") == "something-else"
    assert found["one header more"].header("x-surprise") == "1"
    assert found["no content type"].header("content-type") is None


def test_a_body_that_is_no_object_is_changed_as_a_whole() -> None:
    """Text, a list and an empty body become another body; HEAD never has one."""
    page = Answer(404, HTML, b"<p>")
    assert named(page, {"status": 404})["another body"].body == b"<p> more"
    assert named(answer([1]), {"body": [1]})["another body"].body == b"[1] more"
    assert named(answer(None, 204), {"status": 204})["another body"].body == b" more"
    assert set(named(answer(None), {"status": 200}, "HEAD")) == {
        "one header more",
        "another status",
    }


def test_a_rule_about_calls_has_one_more_and_one_less() -> None:
    """The calls to the peer get one more; one less only where there is one to miss."""
    call = Effect("Open", '{"door":1}')
    calling = replace(answer({}), effects=(call,))
    found = named(calling, {"effects": []})
    assert set(found) == ALWAYS | {"one call to LiveKit more", "one call to LiveKit less"}
    assert [each.call for each in found["one call to LiveKit more"].effects] == ["Open", "Surprise"]
    assert found["one call to LiveKit less"].effects == ()
    assert set(named(answer({}), {"effects": []})) == ALWAYS | {"one call to LiveKit more"}
