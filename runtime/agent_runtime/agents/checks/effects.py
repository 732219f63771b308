"""The keys of a configuration that nothing acts on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

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
from agent_runtime.agents.tools.definition import BUILTINS, Tool, flat
from agent_runtime.domain.errors import ConfigIssue
from agent_runtime.providers.common.option_types import option_name
from agent_runtime.providers.common.spec import Stage
from agent_runtime.providers.registry import provider, spec_of

NOTHING_ACTS: Final = "nothing acts on this key"
NOT_YET: Final = f"{NOTHING_ACTS} yet"

NO_TOOL: Final = (
    f"is no built-in tool ({', '.join(BUILTINS)}) and names no server; the agent does not have it"
)


def without_effect(config: Mapping[str, Any]) -> list[str]:
    """A warning for each key that asks for an effect and has none, in the order of the keys.

    `config` is a registered form that `parse_registered` accepts. A key that is null, false or empty asks
    for no effect, nor does an object that holds only such keys, or whose key `enabled` is false.
    """
    return [
        f"{'.'.join(map(str, issue.path))}: {issue.message}"
        for issue in keys_without_effect(config)
    ]


def keys_without_effect(config: Mapping[str, Any]) -> Iterator[ConfigIssue]:
    """The same, each with its path."""
    return _section(AgentConfig, config, (), None)


def _tools(given: list[Any], path: tuple[str | int, ...]) -> Iterator[ConfigIssue]:
    for number, one in enumerate(given):
        tool = Tool.model_validate(flat(one))
        if tool.enabled and not tool.is_known:
            yield ConfigIssue((*path, number), NO_TOOL)


def _section(
    section: type[Section],
    given: Mapping[str, Any],
    path: tuple[str | int, ...],
    provider_name: Any,
) -> Iterator[ConfigIssue]:
    fields = by_key(section)
    options = _options(section.stage, provider_name) if issubclass(section, Options) else {}
    spelled = with_one_spelling(section, given)
    for key, value in given.items():
        name = key_in(section, key)
        field = fields.get(name)
        if field is None:
            if option_name(options, key) not in options and _asks(value):
                yield ConfigIssue((*path, key), NOTHING_ACTS)
        elif not has_effect(field):
            if _asks(value):
                yield ConfigIssue((*path, key), NOT_YET)
        elif (inner := section_of(field)) is not None and value:
            if inner is Tool:  # its further keys are those of other platforms
                yield from _tools(value, (*path, key))
            elif isinstance(value, list):
                for number, item in enumerate(value):
                    named = with_one_spelling(inner, item).get("provider")
                    yield from _section(inner, item, (*path, key, number), named)
            else:
                named = spelled.get(f"{name.removesuffix('Config')}Provider")
                yield from _section(inner, value, (*path, key), named)


def _options(stage: Stage, name: Any) -> Mapping[str, Any]:
    return spec_of(provider(stage, name)).stages[stage].options


def _asks(value: Any) -> bool:
    if isinstance(value, Mapping):
        return value.get("enabled") is not False and any(map(_asks, value.values()))
    if isinstance(value, list):
        return any(map(_asks, value))
    return value is not None and value is not False and value != ""
