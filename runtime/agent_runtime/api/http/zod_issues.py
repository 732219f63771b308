"""Faults of a body in the form and words of zod 4, which clients of the Node.js version display.

The order of the keys is zod's, and differs from one kind of issue to another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import orjson

from agent_runtime.domain.errors import InvalidInput

Issue: TypeAlias = Mapping[str, object]


class InvalidBody(InvalidInput):
    """Raised for a body with faulty fields; `issues` are in the order of the fields."""

    remedy = "correct the fields named and send the request again"

    def __init__(self, issues: Sequence[Issue]) -> None:
        super().__init__("; ".join(str(issue["message"]) for issue in issues))
        self.issues = tuple(issues)


class Missing:
    """The type of a missing field, JavaScript's undefined."""


MISSING = Missing()


def in_zod_form(issues: Sequence[Issue]) -> str:
    """The list as JSON, indented by two spaces, as `JSON.stringify(issues, null, 2)` writes it."""
    return orjson.dumps(issues, option=orjson.OPT_INDENT_2).decode()


def wrong_type(expected: str, value: object, *path: str | int) -> Issue:
    """The issue of a `value` that is not of the type `expected`."""
    return {
        "expected": expected,
        "code": "invalid_type",
        "path": path,
        "message": f"Invalid input: expected {expected}, received {_type_of(value)}",
    }


def not_whole(*path: str | int) -> Issue:
    """The issue of a number with a fraction where an integer is required."""
    return {
        "expected": "int",
        "format": "safeint",
        "code": "invalid_type",
        "path": path,
        "message": "Invalid input: expected int, received number",
    }


def not_there(*path: str | int) -> Issue:
    """The issue of a missing field whose type is not restricted."""
    return {
        "code": "invalid_type",
        "expected": "nonoptional",
        "path": path,
        "message": "Invalid input: expected nonoptional, received undefined",
    }


def too_small(minimum: int, *path: str | int) -> Issue:
    """The issue of a number below `minimum`."""
    return {
        "origin": "number",
        "code": "too_small",
        "minimum": minimum,
        "inclusive": True,
        "path": path,
        "message": f"Too small: expected number to be >={minimum}",
    }


def too_big(maximum: int, *path: str | int) -> Issue:
    """The issue of a number above `maximum`."""
    return {
        "origin": "number",
        "code": "too_big",
        "maximum": maximum,
        "inclusive": True,
        "path": path,
        "message": f"Too big: expected number to be <={maximum}",
    }


def too_long(maximum: int, *path: str | int) -> Issue:
    """The issue of a string longer than `maximum` characters."""
    return {
        "origin": "string",
        "code": "too_big",
        "maximum": maximum,
        "inclusive": True,
        "path": path,
        "message": f"Too big: expected string to have <={maximum} characters",
    }


def custom(message: str, *path: str | int) -> Issue:
    """The issue of any other fault."""
    return {"code": "custom", "path": path, "message": message}


def _type_of(value: object) -> str:
    match value:
        case Missing():
            return "undefined"
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"
