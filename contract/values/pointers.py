"""JSON pointers of plain keys (RFC 6901 without escapes and list indexes), on parsed values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def pointed(value: object, pointer: str) -> object:
    """The value at a pointer, or None."""
    for key in pointer.split("/")[1:]:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def put(value: Any, pointer: str, wanted: Any) -> Any:
    """A copy with `wanted` at the pointer; a missing key is added at the end of its object."""
    if not pointer:
        return wanted
    head, rest = _split(pointer)
    if not isinstance(value, dict):
        return value
    return {**value, head: put(value.get(head), rest, wanted)}


def removed(value: Any, pointer: str) -> Any:
    """A copy without the key at the pointer."""
    head, rest = _split(pointer)
    if not isinstance(value, dict) or head not in value:
        return value
    if rest:
        return {**value, head: removed(value[head], rest)}
    return {key: inner for key, inner in value.items() if key != head}


def changed_at(value: Any, pointer: str, change: Callable[[Any], Any]) -> Any:
    """A copy with the value at the pointer changed; a missing or null value stays as it is."""
    if not pointer:
        return change(value)
    head, rest = _split(pointer)
    if not isinstance(value, dict) or head not in value or value[head] is None:
        return value
    return {**value, head: changed_at(value[head], rest, change)}


def _split(pointer: str) -> tuple[str, str]:
    head, _, rest = pointer[1:].partition("/")
    return head, f"/{rest}" if rest else ""
