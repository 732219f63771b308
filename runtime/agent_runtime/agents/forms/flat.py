"""The oldest form, called v0: a flat file with model, voice, instructions, greeting and language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import Field, ValidationError

from agent_runtime.agents.forms.document import (
    Document,
    Form,
    Path,
    in_one_spelling,
    shape_issues,
)
from agent_runtime.agents.forms.file_shape import Number, Part
from agent_runtime.agents.forms.text_ids import split_id
from agent_runtime.domain.errors import ConfigIssue, InvalidAgentConfig

# The keys of the flat form, and the registered keys in their place.
V0_KEYS: Final[Mapping[str, str]] = {
    "model": "llmModel",
    "voice": "voiceId",
    "instructions": "systemPrompt",
    "greeting": "initialGreeting",
    "language": "languages",
}
_SAME: Final = ("name", "description", "temperature")


class FlatForm(Part):
    """An agent's configuration in the v0 form."""

    agent_id: str | int | None = None
    name: str | None = None
    description: str | None = None
    model: str | None = Field(None, description="the language model")
    voice: str | None = Field(None, description="the voice")
    instructions: str | None = Field(None, description="the agent's instructions")
    greeting: str | None = Field(None, description="the agent's first words")
    language: str | list[str] | None = Field(None, description="the language, or a list of them")
    temperature: Number | None = Field(None, ge=0, le=2)


def parse_flat(given: Mapping[str, Any]) -> Document:
    """Turn the flat form into the registered one. Raises InvalidAgentConfig, naming its keys."""
    try:
        FlatForm.model_validate(given)
    except ValidationError as error:
        raise InvalidAgentConfig(shape_issues(error, given)) from error
    values = in_one_spelling(FlatForm, given)
    agent_id, text_id = split_id(values.pop("agent_id", None))
    config, changes, ignored = dict[str, Any](), list[str](), list[ConfigIssue]()
    moved: dict[Path, Path] = {}
    for key, value in values.items():
        target = V0_KEYS.get(key, key)
        config[target] = [value] if target == "languages" and isinstance(value, str) else value
        moved[target,] = (key,)
        if key in V0_KEYS:
            changes.append(f"{key}: is {target} now")
        elif key not in _SAME:
            ignored.append(ConfigIssue((key,), "is no key of this form; it is kept"))
    if isinstance(values.get("language"), str):
        moved["languages", 0] = ("language",)
    return Document(Form.V0, config, agent_id, text_id, None, moved, changes, ignored)
