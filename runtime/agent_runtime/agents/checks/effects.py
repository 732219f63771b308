"""The keys of a configuration that nothing acts on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from agent_runtime.agents.fields import (
    Section,
    by_key,
    has_effect,
    key_in,
    section_of,
    with_one_spelling,
)
from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.sections import Options
from agent_runtime.providers.common.option_types import option_name
from agent_runtime.providers.common.spec import Stage
from agent_runtime.providers.registry import provider, specs


def without_effect(config: Mapping[str, Any]) -> list[str]:
    """A warning for each key that asks for an effect and has none, in the order of the keys.

    `config` is a registered form that `parse_registered` accepts. A key that is null, false or empty asks
    for no effect, nor does an object that holds only such keys, or whose key `enabled` is false.
    """
    return list(_section(AgentConfig, config, "", None))


def _section(
    section: type[Section], given: Mapping[str, Any], path: str, provider_name: Any
) -> Iterator[str]:
    fields = by_key(section)
    options = _options(section.stage, provider_name) if issubclass(section, Options) else {}
    spelled = with_one_spelling(section, given)
    for key, value in given.items():
        name = key_in(section, key)
        field = fields.get(name)
        if field is None:
            if option_name(options, key) not in options and _asks(value):
                yield f"{path}{key}: nothing acts on this key"
        elif not has_effect(field):
            if _asks(value):
                yield f"{path}{key}: nothing acts on this key yet"
        elif (inner := section_of(field)) is not None and value:
            if isinstance(value, list):
                for number, item in enumerate(value):
                    named = with_one_spelling(inner, item).get("provider")
                    yield from _section(inner, item, f"{path}{key}.{number}.", named)
            else:
                named = spelled.get(f"{name.removesuffix('Config')}Provider")
                yield from _section(inner, value, f"{path}{key}.", named)


def _options(stage: Stage, name: Any) -> Mapping[str, Any]:
    return specs()[provider(stage, name)].stages[stage].options


def _asks(value: Any) -> bool:
    if isinstance(value, Mapping):
        return value.get("enabled") is not False and any(map(_asks, value.values()))
    if isinstance(value, list):
        return any(map(_asks, value))
    return value is not None and value is not False and value != ""
