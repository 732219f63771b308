"""Fills the variables in an agent's texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from agent_runtime.agents.fields import by_key
from agent_runtime.agents.instructions.values import call_values
from agent_runtime.agents.model import AgentConfig
from agent_runtime.domain.errors import ConfigIssue, InvalidAgentConfig
from agent_runtime.text.variables.fill import fill, is_template, may_be_template, problem
from agent_runtime.text.variables.values import TemplateFault

# The fields whose text may hold variables, by their keys.
TEXTS: Final = (
    "systemPrompt",
    "guardrails",
    "initialContext",
    "initialGreeting",
    "greetingInstructions",
)
_NAMES: Final = {
    str(field.alias): name
    for name, field in AgentConfig.model_fields.items()
    if field.alias in TEXTS
}


@dataclass(frozen=True, slots=True)
class FilledTexts:
    """A configuration with its variables filled; `missing` are those without value and default, by key."""

    config: AgentConfig
    missing: Mapping[str, tuple[str, ...]]


def fill_texts(config: AgentConfig, metadata: Mapping[str, Any], now: datetime) -> FilledTexts:
    """Fill every text of the configuration. What is missing is left out with the space before it.

    `metadata` are the variables of the job, `now` is an aware time.
    Raises InvalidAgentConfig, naming the texts that cannot be filled.
    """
    if not any(may_be_template(getattr(config, name) or "") for name in _NAMES.values()):
        return FilledTexts(config, {})
    values = call_values(config, metadata, now)
    texts: dict[str, str | None] = {}
    missing: dict[str, tuple[str, ...]] = {}
    issues = []
    for key, name in _NAMES.items():
        text = getattr(config, name)
        if not text:
            continue
        try:
            filled = fill(text, values)
        except TemplateFault as fault:
            issues.append(ConfigIssue((key,), str(fault)))
            continue
        texts[name] = filled.text or by_key(AgentConfig)[key].default
        if filled.missing:
            missing[key] = filled.missing
    if issues:
        raise InvalidAgentConfig(issues)
    return FilledTexts(config.model_copy(update=texts), missing)


def has_variables(config: AgentConfig) -> bool:
    """Whether a text of the configuration is a template, so that a call may lack a value for it."""
    return any(is_template(getattr(config, name) or "") for name in _NAMES.values())


def template_warnings(config: AgentConfig) -> list[str]:
    """A warning for each text with braces that is no valid template: it is used as it stands."""
    return [
        f"{key}: is no template, so only plain names in it are filled: {why}"
        for key, name in _NAMES.items()
        if (why := problem(getattr(config, name) or "")) is not None
    ]
