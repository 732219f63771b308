"""The definition of an agent's fields, against openapi.yaml."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml
from annotated_types import Ge, Le, MaxLen
from pydantic.fields import FieldInfo

from agent_runtime.agents.fields import Section, by_key, section_of, types_of
from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.profiles import Pace
from agent_runtime.agents.sections import TurnOptions

SCHEMAS: Final[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[3] / "openapi.yaml").read_text("utf-8")
)["components"]["schemas"]
TYPES: Final = {bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}
BOUNDS: Final = {
    "minimum": (Ge, "ge"),
    "maximum": (Le, "le"),
    "maxItems": (MaxLen, "max_length"),
    "maxLength": (MaxLen, "max_length"),
    "maxProperties": (MaxLen, "max_length"),
}
LENGTHS: Final = {"array": "maxItems", "string": "maxLength", "object": "maxProperties"}
# Fields that take another type besides their own.
WIDER: Final = {
    "tools.messages": ["object", "array", "null"],
    "tools.server.url": "string",  # a server has one
}


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema, or the one that it refers to."""
    found: dict[str, Any] = (
        SCHEMAS[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    )
    return found


def pairs(
    section: type[Section], schema: dict[str, Any], path: str
) -> Iterator[tuple[str, FieldInfo | None, dict[str, Any] | None]]:
    """Every field with its path and its place in the contract; either may be missing."""
    schema = resolved(schema)
    schema = schema.get("items", schema)
    fields, properties = by_key(section), schema["properties"]
    for key in [*properties, *(fields.keys() - properties.keys())]:
        field, place = fields.get(key), properties.get(key)
        yield f"{path}{key}", field, place
        inner = section_of(field) if field is not None else None
        if inner is not None and place is not None:
            yield from pairs(inner, place, f"{path}{key}.")


def kind_of(field: FieldInfo) -> str:
    """The JSON type of the field."""
    if section_of(field) is not None and list not in types_of(field.annotation):
        return "object"
    found = (TYPES[kind] for kind in types_of(field.annotation) if kind in TYPES)
    return next(found, "string")


def bounds_of(field: FieldInfo) -> dict[str, Any]:
    """The bounds of the field, by the contract's names."""
    return {
        name: getattr(bound, attribute)
        for name, (kind, attribute) in BOUNDS.items()
        for bound in field.metadata
        if isinstance(bound, kind) and (kind is not MaxLen or name == LENGTHS[kind_of(field)])
    }


def test_definition_and_contract_have_the_same_fields() -> None:
    """openapi.yaml has exactly these fields, with the same keys, types and bounds; each may be null."""
    for path, field, place in pairs(AgentConfig, SCHEMAS["AgentConfig"], ""):
        assert field is not None, f"{path} is in openapi.yaml only"
        assert place is not None, f"{path} is missing in openapi.yaml"
        schema = resolved(place)
        assert schema["type"] == WIDER.get(path, [kind_of(field), "null"]), path
        assert {name: schema[name] for name in BOUNDS if name in schema} == bounds_of(field), path


def test_what_an_agent_may_overrule_of_its_profile_has_the_same_name() -> None:
    """Every field of turnDetectionConfig but provider and profile is a value of the profiles."""
    own = TurnOptions.model_fields.keys() - {"provider", "profile"}
    assert own <= set(Pace.__dataclass_fields__)
