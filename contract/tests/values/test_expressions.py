"""Expressions of ledger and mutants."""

from __future__ import annotations

import pytest

from contract.errors import BrokenInput
from contract.values.expressions import Expression, render


def test_an_expression_is_evaluated_over_facts() -> None:
    """Names are the facts; filters are Jinja's."""
    expression = Expression.of("old.status in (200, 201) and words | length == 2", "here")
    assert expression.evaluate({"old": {"status": 200}, "words": ["a", "b"]}) is True


@pytest.mark.parametrize("text", ["a ==", "a b", "{{ a }}"])
def test_a_text_that_does_not_parse_is_named(text: str) -> None:
    """The message has the place and the text."""
    with pytest.raises(BrokenInput, match=r"entry x: `when` does not parse"):
        Expression.of(text, "entry x: `when`")


@pytest.mark.parametrize("text", ["unknown", "old.nothing.more", "1 / 0", "old + 1"])
def test_an_expression_without_a_value_is_named(text: str) -> None:
    """An unknown word is an error and not false: a typing error must not accept a difference."""
    with pytest.raises(BrokenInput, match="entry x fails"):
        Expression.of(text, "entry x").evaluate({"old": {}})


def test_holds_is_false_without_a_value() -> None:
    """A mutant's `when` does not hold where one of its words is missing."""
    assert not Expression.of("body.count > 1", "m").holds({"body": {}})
    assert Expression.of("body.count > 1", "m").holds({"body": {"count": 2}})


def test_the_sandbox_keeps_expressions_from_the_interpreter() -> None:
    """An expression cannot reach Python's classes."""
    with pytest.raises(BrokenInput):
        Expression.of("''.__class__.__mro__", "entry x").evaluate({})


def test_only_texts_with_the_mark_are_expressions() -> None:
    """`= ` marks an expression, in lists and objects too; other texts stay as they are."""
    template = {"a": "= n + 1", "b": ["= n", "n"], "c": 7}
    assert render(template, {"n": 1}, "here") == {"a": 2, "b": [1, "n"], "c": 7}
