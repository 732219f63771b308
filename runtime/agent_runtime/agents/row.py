"""The `agents` table row: snake_case columns, JSON as text, flags as 0 and 1."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.registered import parse_form
from agent_runtime.domain.errors import ConfigIssue, InvalidAgentConfig

# Columns and the keys of the registered form that mean the same.
_TEXTS: Final = {
    "name": "name",
    "description": "description",
    "stt_provider": "sttProvider",
    "tts_provider": "ttsProvider",
    "voice_id": "voiceId",
    "llm_provider": "llmProvider",
    "llm_model": "llmModel",
    "avatar_model": "avatarModel",
    "system_prompt": "systemPrompt",
    "initial_greeting": "initialGreeting",
    "mcp_gateway_url": "mcpGatewayUrl",
}
_NUMBERS: Final = {
    "temperature": "temperature",
    "max_concurrent_sessions": "maxConcurrentSessions",
}
_JSON_OBJECTS: Final = {
    "stt_config": "sttConfig",
    "tts_config": "ttsConfig",
    "llm_config": "llmConfig",
    "mcp_config": "mcpConfig",
}
_FLAGS: Final = {
    "vision_enabled": "visionEnabled",
    "screen_share_enabled": "screenShareEnabled",
    "transcribe_enabled": "transcribeEnabled",
}
_COLUMNS: Final = {
    key: column
    for names in (_TEXTS, _NUMBERS, _JSON_OBJECTS, _FLAGS)
    for column, key in names.items()
}


def parse_row(row: Mapping[str, Any]) -> AgentConfig:
    """Check a row of the `agents` table by column name. Raises InvalidAgentConfig, naming columns."""
    issues: list[ConfigIssue] = []
    form = {key: row.get(column) for column, key in (_TEXTS | _NUMBERS).items()}
    form |= {key: bool(row.get(column)) for column, key in _FLAGS.items()}
    form["languages"] = _languages(row.get("languages"))
    for column, key in _JSON_OBJECTS.items():
        try:
            form[key] = _json_object(row.get(column))
        except ValueError as error:
            issues.append(ConfigIssue((column,), str(error)))
    try:
        config = parse_form(form, lambda key: _COLUMNS.get(str(key), key))
    except InvalidAgentConfig as error:
        raise InvalidAgentConfig([*issues, *error.issues]) from error
    if issues:
        raise InvalidAgentConfig(issues)
    return config


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


def _languages(text: str | None) -> list[str]:
    """A JSON list, else a comma-separated one."""
    if not text:
        return []
    try:
        value = json.loads(text)
    except ValueError:
        value = text.split(",")
    names = value if isinstance(value, list) else [value]
    return [str(name).strip() for name in names if str(name).strip()]
