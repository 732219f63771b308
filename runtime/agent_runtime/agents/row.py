"""The `agents` table row: snake_case columns, JSON as text, flags as 0 and 1."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic.alias_generators import to_snake
from pydantic.fields import FieldInfo

from agent_runtime.agents.fields import Section, by_key, types_of
from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.registered import parse_form
from agent_runtime.domain.errors import ConfigIssue, InvalidAgentConfig

# The platform writes this column for itself, in a form of its own.
_NOT_OURS: Final = "resource_limits"
# Column and key of each field that has the same name in both forms but for its spelling.
_KEYS: Final = {
    column: key for key in by_key(AgentConfig) if (column := to_snake(key)) != _NOT_OURS
}
_COLUMNS: Final = {key: column for column, key in _KEYS.items()}


def parse_row(row: Mapping[str, Any]) -> AgentConfig:
    """Check a row of the `agents` table by column name. Raises InvalidAgentConfig, naming columns."""
    issues: list[ConfigIssue] = []
    form: dict[str, Any] = {}
    fields = by_key(AgentConfig)
    for column, key in _KEYS.items():
        if column in row:
            try:
                form[key] = _value(fields[key], row[column])
            except ValueError as error:
                issues.append(ConfigIssue((column,), str(error)))
    try:
        config = parse_form(form, lambda key: _COLUMNS.get(str(key), key))
    except InvalidAgentConfig as error:
        raise InvalidAgentConfig([*issues, *error.issues]) from error
    if issues:
        raise InvalidAgentConfig(issues)
    return config


def _value(field: FieldInfo, stored: Any) -> Any:
    """The value of a column as the registered form has it. Raises ValueError saying what is wrong."""
    kinds = set(types_of(field.annotation))
    if dict in kinds or any(issubclass(kind, Section) for kind in kinds):
        return _json_object(stored)
    if list in kinds:
        return _list(stored)
    if bool in kinds:
        return bool(stored)
    return stored


def _json_object(text: str | None) -> dict[str, Any] | None:
    if not text or not text.strip():
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not JSON ({error}); store a JSON object or NULL") from error
    if value is not None and not isinstance(value, dict):
        raise ValueError(f"is a JSON {type(value).__name__}; store a JSON object or NULL")
    return value


def _list(text: str | None) -> list[str]:
    """The texts of a JSON list, else of a comma-separated one."""
    if not text:
        return []
    try:
        value = json.loads(text)
    except ValueError:
        value = text.split(",")
    names = value if isinstance(value, list) else [value]
    return [str(name).strip() for name in names if str(name).strip()]
