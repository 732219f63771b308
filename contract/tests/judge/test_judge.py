"""One exchange: the words that describe it, and the rules that it is judged by."""

from __future__ import annotations

from typing import Any

import pytest

from contract.api.api import Api
from contract.errors import BrokenInput
from contract.http.messages import Answer
from contract.judge.exchange import Exchange
from contract.judge.judge import expectation, judge
from contract.judge.rules import Rule
from contract.tests.another_api.lockers import PROFILE
from contract.tests.samples import answer, exchanged, request
from contract.values.expressions import Expression
from contract.values.typed_values import Matching, Moment, Window

API = Api.load(PROFILE)


def read(old: Answer, new: Answer, target: str = "/parcels/x?since=2026-01-01") -> Exchange:
    """A read of a parcel."""
    return exchanged(API, request("GET", target), old, new)


def rule(name: str, new: dict[str, Any], *, when: str = "true", operation: str = "*") -> Rule:
    """A rule."""
    return Rule(name, operation, Expression.of(when, name), new)


def test_an_exchange_has_the_words_of_the_ledger() -> None:
    """The words hold the request, both answers, the symbol of the new id and the time of the answer."""
    words = read(answer({"a": 1}), answer({"a": 2}, 201, sent=5.0)).words
    assert (words["path"], words["query"]) == ({"code": "x"}, {"since": ["2026-01-01"]})
    assert (words["old"]["body"], words["new"]["body"]) == ({"a": 1}, {"a": 2})
    assert (words["old"]["status"], words["new"]["status"]) == (200, 201)
    assert (words["id"], words["now"]) == ("<parcel-0>", Window(5.0, 6.0))
    assert (words["moment"], words["matching"]) == (Moment, Matching)
    assert (words["source"], words["together"], words["watched"]) == (
        "scenario/test/step",
        None,
        False,
    )


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/", "/"),
        ("/a%20b/?x=/", "/a b"),
        ("/parcels//", "/parcels/"),
        ("/parcels/x", "/parcels/x"),
    ],
)
def test_an_error_shows_the_decoded_path_without_its_last_slash(target: str, shown: str) -> None:
    """The path as errors show it has no query, no percent-encoding and no single last slash."""
    assert read(answer({}), answer({}), target).words["shown_path"] == shown


def test_another_answer_leaves_the_rest_of_an_exchange() -> None:
    """A mutant's answer replaces the new one, in the words too; the original stays as it was."""
    case = read(answer({"a": 1}), answer({"a": 1}))
    other = case.answered(answer({"a": 9}, 500))
    assert (other.words["new"]["body"], other.new.status) == ({"a": 9}, 500)
    assert (other.old, other.words["old"], other.index) == (case.old, case.words["old"], 0)
    assert case.words["new"]["body"] == {"a": 1}


def test_without_rules_the_old_answer_is_demanded() -> None:
    """The expectation is the old answer, and no rule was used."""
    expected, used = expectation(read(answer({"a": 1}), answer({})), (), API)
    assert (expected.status, expected.text, used) == (200, '{"a":1}', ())


def test_later_rules_build_on_earlier_ones() -> None:
    """Rules apply in the order of the ledger, each to what the rules before it demand."""
    rules = (
        rule("first", {"body": {"a": 1, "b": 1}}),
        rule("second", {"set": {"/b": 2}}),
        rule("third", {"status": 410}, when="old.status == 404"),
    )
    found = judge(read(answer({"z": 0}), answer({"a": 1, "b": 2})), rules, API)
    assert (found.differences, found.used) == ((), ("first", "second"))


def test_a_rule_that_changes_nothing_is_not_used() -> None:
    """A rule whose demand is the old answer explains nothing, so the audit may call it unused."""
    rules = (rule("same", {"status": 200}), rule("other", {"status": 201}))
    assert judge(read(answer({}), answer({}, 201)), rules, API).used == ("other",)


def test_a_rule_holds_for_its_operation_alone() -> None:
    """A rule of another operation is not even evaluated."""
    foreign = rule("foreign", {"status": 500}, when="unknown_word", operation="GET /up")
    assert judge(read(answer({}), answer({})), (foreign,), API).differences == ()
    with pytest.raises(BrokenInput, match="foreign fails"):
        judge(exchanged(API, request("GET", "/up"), answer({}), answer({})), (foreign,), API)


def test_documented_times_are_compared_as_times() -> None:
    """A documented date-time may be another moment of the same answer; an undocumented key may not."""
    old = answer({"storedAt": "1970-01-01T00:00:01.500Z", "grams": 1}, sent=1.0)
    new = answer({"storedAt": "1970-01-01T00:01:01.500Z", "grams": 1}, sent=61.0)
    assert judge(read(old, new), (), API).differences == ()
    stale = answer({"storedAt": "1970-01-01T00:00:01.500Z", "grams": 1}, sent=61.0)
    (difference,) = judge(read(old, stale), (), API).differences
    assert (difference.kind, difference.at) == ("time", "body /storedAt")


def test_markers_of_a_rule_are_kept_to() -> None:
    """A rule may demand a pattern or a time in place of a value; another value is a difference."""
    rules = (rule("words", {"body": {"error": "= matching('no .+')", "at": "= moment(now)"}}),)
    right = answer({"error": "no parcel", "at": "1970-01-01T00:00:01.000Z"})
    assert judge(read(answer({}, 404), right), rules, API).differences[0].kind == "status"
    assert judge(read(answer({}), right), rules, API).differences == ()
    wrong = answer({"error": "parcel", "at": "1970-01-01T00:00:01Z"})
    kinds = [d.kind for d in judge(read(answer({}), wrong), rules, API).differences]
    assert kinds == ["value", "time"]
