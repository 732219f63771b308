"""Statements, whose text is built when it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from agent_runtime.storage.sql.statements import Bind, Statement


def test_the_text_is_built_at_its_first_use_and_once() -> None:
    """A call uses few statements of those that there are."""
    built: list[int] = []

    def build() -> tuple[str, Sequence[Any]]:
        built.append(1)
        return "SELECT ?, ?", [7, Bind("name", "text")]

    statement = Statement(build)
    assert built == []
    step = statement.bind(name="somebody")
    assert (step.statement.sql, step.values) == ("SELECT ?, ?", (7, "somebody"))
    assert statement.bind(name="else").values == (7, "else")
    assert built == [1]


def test_every_statement_has_a_name_of_its_own() -> None:
    """PostgreSQL keeps it under that name."""
    assert len({Statement(lambda: ("", ())).name for _ in range(3)}) == 3


def test_a_missing_value_is_named() -> None:
    """A mistake in our own code, found by whoever reads the trace."""
    with pytest.raises(KeyError, match="name"):
        Statement(lambda: ("?", [Bind("name", "text")])).bind(other=1)
