"""The JSON Schemas (2020-12) of the forms that people write by hand, generated from their definitions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from agent_runtime.agents.fields import Section
from agent_runtime.agents.forms.document import Form
from agent_runtime.agents.forms.file_shape import FileForm
from agent_runtime.agents.model import AgentConfig

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_FORMS: Final[Mapping[Form, tuple[str, type[Section]]]] = {
    Form.REGISTERED: ("Agent, registered form", AgentConfig),
    Form.FILE: ("Agent, file form", FileForm),
}
_NULL: Final = {"type": "null"}
# What pydantic and this package write beside the keywords of JSON Schema.
_NOT_OF_JSON_SCHEMA: Final = ("title", "hasEffect")
_BOUNDS: Final = {"ge": "minimum", "le": "maximum"}


@cache
def schemas() -> Mapping[str, Mapping[str, Any]]:
    """The schema of each form by its name. They are shared: do not change them."""
    return {form.value: json_schema(form) for form in _FORMS}


def json_schema(form: Form) -> dict[str, Any]:
    """The JSON Schema of one form, of those in `schemas`."""
    title, definition = _FORMS[form]
    schema = definition.model_json_schema(by_alias=True)
    for part in (schema, *schema.get("$defs", {}).values()):
        _let_be_null(part)
        part["description"] = str(part.get("description", "")).split("\n\n")[0]
    return {"$schema": DIALECT, **schema, "title": title}


def _let_be_null(section: dict[str, Any]) -> None:
    """Null is the same as a missing key, so each key that may be missing may be null."""
    required = section.get("required", ())
    for key, value in section.get("properties", {}).items():
        _tidy(value)
        if key in required:
            continue
        if "anyOf" in value:
            value["anyOf"].append(_NULL)
        elif "$ref" in value:
            value["anyOf"] = [{"$ref": value.pop("$ref")}, _NULL]
        elif "enum" in value:
            value["enum"] = [*value["enum"], None]
            value.pop("type", None)
        elif "type" in value:
            value["type"] = [value["type"], "null"]


def _tidy(value: dict[str, Any]) -> None:
    """Leave out what is no keyword of JSON Schema, and the null that some keys allow already."""
    for name in _NOT_OF_JSON_SCHEMA:
        value.pop(name, None)
    options = [one for one in value.pop("anyOf", []) if one != _NULL]
    if len(options) == 1:
        value.update(options.pop())
    elif options:
        value["anyOf"] = options
    for name, keyword in _BOUNDS.items():
        if name in value:
            value[keyword] = value.pop(name)
    if value.get("default", ...) is None:
        del value["default"]
