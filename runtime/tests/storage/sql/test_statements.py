"""Statements: their text, their names and their values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from agent_runtime.storage.sql.statements import Bind, Statement


def test_text_is_built_once_at_its_first_use() -> None:
    """A statement builds its text when it is first bound and keeps it; an unused one builds none."""
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


def test_every_statement_has_its_own_name() -> None:
    """Two statements never share a name, under which PostgreSQL prepares them."""
    assert len({Statement(lambda: ("", ())).name for _ in range(3)}) == 3


def test_missing_value_is_named() -> None:
    """Binding a statement without one of its values raises KeyError with the value's name."""
    with pytest.raises(KeyError, match="name"):
        Statement(lambda: ("?", [Bind("name", "text")])).bind(other=1)
