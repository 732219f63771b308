"""How a configuration completes the template that it extends. docs/templates.md has the rules for users."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent_runtime.agents.fields import Section, by_key, section_of, with_one_spelling
from agent_runtime.agents.model import AgentConfig


def merged(
    template: Mapping[str, Any], own: Mapping[str, Any], section: type[Section] | None = AgentConfig
) -> dict[str, Any]:
    """Objects merge key by key, lists and other values replace, and null removes.

    The keys of known sections get one spelling first, so that `system_prompt` replaces `systemPrompt`.
    Raises ValueError when two spellings of a key in one object differ.
    """
    found = _spelled(section, template)
    for key, value in _spelled(section, own).items():
        if value is None:
            found.pop(key, None)
            continue
        below = found.get(key)
        if isinstance(value, Mapping):
            base = below if isinstance(below, Mapping) else {}
            value = merged(base, value, _inner(section, key))  # noqa: PLW2901 - nulls in it remove, too
        found[key] = value
    return found


def _spelled(section: type[Section] | None, given: Mapping[str, Any]) -> dict[str, Any]:
    return dict(given) if section is None else with_one_spelling(section, given)


def _inner(section: type[Section] | None, key: str) -> type[Section] | None:
    field = None if section is None else by_key(section).get(key)
    return None if field is None else section_of(field)
