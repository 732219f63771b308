"""Rules: what a rule makes of the old answer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from contract.errors import BrokenInput
from contract.http.messages import Answer, Effect
from contract.judge.compare import Expectation, differences
from contract.judge.rules import Rule, rewritten
from contract.values.documents import Kind, Number
from contract.values.expressions import Expression

OLD = Expectation(
    200, {"content-type": "application/json", "etag": "x"}, Kind.JSON, {"a": Number("1")}, '{"a":1}'
)


def after(new: dict[str, Any], method: str = "GET", **words: Any) -> Expectation:
    """The old expectation after a rule."""
    rule = Rule("the-rule", "*", Expression.of("true", "x"), new)
    return rewritten(OLD, rule, {"request": SimpleNamespace(method=method), **words})


def test_status_and_headers_change_and_the_rest_stays() -> None:
    """A header is set, or removed by null; what a rule does not name must be as before."""
    found = after({"status": 404, "headers": {"etag": None, "allow": "GET"}})
    assert (found.status, found.value) == (404, OLD.value)
    assert found.headers == {"content-type": "application/json", "allow": "GET"}


def test_a_whole_body_replaces_any_kind() -> None:
    """`body` is a JSON document, `text` an HTML page; HEAD never has a body."""
    body = after({"body": {"n": 2}})
    assert (body.kind, body.value) == (Kind.JSON, {"n": Number("2")})
    assert (after({"text": "<p>"}).kind, after({"text": "<p>"}).text) == (Kind.HTML, "<p>")
    assert after({"body": {"n": 2}}, method="HEAD").value == OLD.value


def test_set_changes_single_keys() -> None:
    """A key is set, added at the end, or removed by null."""
    assert after({"set": {"/b": 2, "/a": None}}).value == {"b": Number("2")}
    with pytest.raises(BrokenInput, match="the-rule: `set` needs an old answer that is an object"):
        rewritten(
            Expectation(200, {}, Kind.TEXT),
            Rule("the-rule", "*", Expression.of("true", "x"), {"set": {"/a": 1}}),
            {"request": SimpleNamespace(method="GET")},
        )


def test_effects_are_demanded_exactly() -> None:
    """The calls to the peer must be those of the rule, no more and no fewer."""
    call = Effect("Launch", '{"room":"a"}')
    expected = after({"effects": "= calls", "headers": {"etag": None}}, calls=[call])
    answer = Answer(200, (("Content-Type", "application/json"),), b'{"a":1}', effects=(call,))
    assert differences(expected, answer, "LiveKit") == []
    silent = Answer(200, answer.headers, answer.body)
    (difference,) = differences(expected, silent, "LiveKit")
    assert (difference.kind, difference.at) == ("side effect", "LiveKit calls")


def test_a_rule_is_about_one_operation_or_all() -> None:
    """`*` concerns every operation."""
    rule = Rule("r", "GET /a", Expression.of("true", "x"), {})
    assert rule.concerns("GET /a")
    assert not rule.concerns("GET /b")
    assert Rule("r", "*", rule.when, {}).concerns("GET /b")
