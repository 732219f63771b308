"""JSON pointers of plain keys."""

from __future__ import annotations

from contract.values.pointers import changed_at, pointed, put, removed

VALUE = {"a": {"b": 1, "n": None}, "c": [1]}


def test_pointed_finds_or_is_none() -> None:
    """A pointer through a list or a missing key points at nothing; the empty one at the whole."""
    assert pointed(VALUE, "/a/b") == 1
    assert pointed(VALUE, "") == VALUE
    assert pointed(VALUE, "/c/0") is None
    assert pointed(VALUE, "/x/y") is None


def test_put_replaces_and_adds_at_the_end() -> None:
    """An existing key keeps its place, a new one comes last; the original is unchanged."""
    assert put(VALUE, "/a/b", 2) == {"a": {"b": 2, "n": None}, "c": [1]}
    assert list(put(VALUE, "/d", 1)) == ["a", "c", "d"]
    assert put(VALUE, "", 5) == 5
    assert put([1], "/a", 2) == [1]
    assert VALUE["a"] == {"b": 1, "n": None}


def test_removed_takes_one_key_out() -> None:
    """Only the key at the pointer goes; a missing one changes nothing."""
    assert removed(VALUE, "/a/b") == {"a": {"n": None}, "c": [1]}
    assert removed(VALUE, "/c") == {"a": {"b": 1, "n": None}}
    assert removed(VALUE, "/x/y") == VALUE


def test_changed_at_leaves_missing_and_null_values() -> None:
    """A change happens to a present value alone."""
    assert changed_at(VALUE, "/a/b", lambda n: n + 1) == {"a": {"b": 2, "n": None}, "c": [1]}
    assert changed_at(VALUE, "/a/n", lambda _: 9) == VALUE
    assert changed_at(VALUE, "/x", lambda _: 9) == VALUE
    assert changed_at(1, "", lambda n: n + 1) == 2
