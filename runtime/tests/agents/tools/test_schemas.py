"""The schemas of tools' arguments, against the validator of JSON Schema."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from agent_runtime.agents.tools.schemas import MAX_DEPTH, faults, schema_issues

SCHEMA = {
    "type": "object",
    "properties": {
        "day": {"type": "string", "minLength": 2, "maxLength": 4, "pattern": "x"},
        "kind": {"enum": ["a", 1, None]},
        "seats": {"type": ["integer", "null"], "minimum": 1, "exclusiveMaximum": 3},
        "tags": {"type": "array", "items": {"type": "boolean"}, "maxItems": 1, "minItems": 1},
        "who": {"anyOf": [{"type": "string"}, {"type": "object", "required": ["a"]}]},
        "one": {"oneOf": [{"type": "number"}, {"type": "integer"}, {"const": True}]},
        "all": {"allOf": [{"type": "number", "maximum": 2}, {"exclusiveMinimum": 1}]},
        "map": {"type": "object", "additionalProperties": {"type": "number"}, "maxProperties": 1},
    },
    "required": ["day"],
    "additionalProperties": False,
}
VALUES = st.recursive(
    st.sampled_from([None, True, False, 0, 1, 2, 3, 1.0, 1.5, "", "a", "abc", "abcde"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from([*SCHEMA["properties"], "other"]), VALUES, max_size=4))
@settings(max_examples=300, deadline=None)
def test_arguments_are_judged_as_json_schema_says(arguments: dict[str, Any]) -> None:
    """Whatever the arguments are, both validators agree; patterns are told to the model only."""
    schema = {**SCHEMA, "properties": {**SCHEMA["properties"]}}  # type: ignore[dict-item]
    day = dict(schema["properties"]["day"])
    del day["pattern"]
    schema["properties"]["day"] = day
    assert list(schema_issues(SCHEMA)) == []
    assert (faults(SCHEMA, arguments) == []) == Draft202012Validator(schema).is_valid(arguments)


def test_faults_name_the_argument_and_repeat_no_value() -> None:
    """The words are for the model."""
    found = faults(SCHEMA, {"day": "secret-of-the-caller", "seats": 0, "extra": 1})
    assert found == [
        "arguments.day must have at most 4 characters",
        "arguments.seats must be 1 or more",
        "arguments.extra is unknown; leave it out",
    ]
    assert faults(SCHEMA, []) == ["arguments must be of type object"]


def deep(levels: int) -> dict[str, Any]:
    """A schema of so many levels."""
    found: dict[str, Any] = {"type": "object"}
    for _ in range(levels):
        found = {"type": "object", "properties": {"a": found}}
    return found


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"type": "array"}, "type"),
        ({"properties": []}, "properties"),
        ({"properties": {"a": 3}}, "properties.a"),
        ({"properties": {"a": {"type": "text"}}}, "properties.a.type"),
        ({"properties": {"a": {"type": []}}}, "properties.a.type"),
        ({"properties": {"a": {"items": {"minLength": -1}}}}, "properties.a.items.minLength"),
        ({"properties": {"a": {"$ref": "#"}}}, "properties.a.$ref"),
        ({"required": "a"}, "required"),
        ({"anyOf": []}, "anyOf"),
        ({"additionalProperties": 1}, "additionalProperties"),
        ({"properties": {"a": {"maximum": "3"}}}, "properties.a.maximum"),
        ({"description": "x" * 20_000}, ""),
    ],
)
def test_what_is_no_schema_is_refused_with_its_path(schema: dict[str, Any], path: str) -> None:
    """Each fault is found where it is."""
    assert [".".join(map(str, one.path)) for one in schema_issues(schema)] == [path]


def test_depth_is_bounded() -> None:
    """A schema may nest, and not for ever."""
    assert list(schema_issues(deep(MAX_DEPTH))) == []
    assert len(list(schema_issues(deep(MAX_DEPTH + 1)))) == 1
