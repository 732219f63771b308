"""The `agents` table row: snake_case columns, JSON as text, flags as 0 and 1."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic.alias_generators import to_snake
from pydantic.fields import FieldInfo

from agent_runtime.agents.fields import Section, by_key, types_of
from agent_runtime.agents.forms.registered import parse_form
from agent_runtime.agents.model import AgentConfig
from agent_runtime.domain.errors import ConfigIssue, InvalidAgentConfig

# The platform writes the first column for itself, in a form of its own; tools are no column.
_NOT_OURS: Final = ("resource_limits", "tools")
# Column and key of each field that has the same name in both forms but for its spelling.
_KEYS: Final = {
    column: key for key in by_key(AgentConfig) if (column := to_snake(key)) not in _NOT_OURS
}
# The key that names a stage's provider, and the keys that belong to that provider.
_STAGES: Final = {
    "sttProvider": ("sttConfig",),
    "llmProvider": ("llmConfig", "llmModel"),
    "ttsProvider": ("ttsConfig", "voiceId"),
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


def form_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a row by the keys of the registered form, unchecked, without those that say nothing.

    Raises InvalidAgentConfig, naming columns that hold no value of their type.
    """
    fields, form, issues = by_key(AgentConfig), dict[str, Any](), list[ConfigIssue]()
    for column, key in _KEYS.items():
        try:
            value = _value(fields[key], row.get(column))
        except ValueError as error:
            issues.append(ConfigIssue((column,), str(error)))
        else:
            if value not in (None, "", [], {}) and row.get(column) is not None:
                form[key] = value
    if issues:
        raise InvalidAgentConfig(issues)
    return form


def completed(given: Mapping[str, Any], form: Mapping[str, Any]) -> dict[str, Any]:
    """The registered form `given`, with the values of `form` for keys that it leaves out or has as null.

    What belongs to a provider is taken only for that provider, and its settings as a whole: a key goes with
    the address that it is for.
    """
    of_providers = {key for stage, keys in _STAGES.items() for key in (stage, *keys)}
    found = dict(given)
    found |= {
        key: value
        for key, value in form.items()
        if key not in of_providers and given.get(key) is None
    }
    for stage, keys in _STAGES.items():
        missing = [key for key in keys if given.get(key) is None]
        if given.get(stage) is None and len(missing) == len(keys):
            missing.append(stage)
        elif _name(given.get(stage), stage) != _name(form.get(stage), stage):
            continue
        if (given.get("llmConfig") or {}).get("model") and "llmModel" in missing:
            missing.remove("llmModel")  # the registration names its model there
        found.update({key: form[key] for key in missing if key in form})
    return found


def _name(provider: Any, stage: str) -> str:
    default = by_key(AgentConfig)[stage].default
    return str(provider or default).strip().lower()


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
