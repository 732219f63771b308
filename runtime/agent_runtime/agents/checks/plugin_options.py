"""Checks an agent's options against what the plugins would be built with, without loading one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.sections import FirstOptions, Options
from agent_runtime.domain.errors import ConfigIssue
from agent_runtime.providers.common.option_types import option_name, read_option
from agent_runtime.providers.registry import spec_of


def option_issues(config: AgentConfig) -> Iterator[ConfigIssue]:
    """Yield a fault for each option that its plugin would refuse; paths begin with the registered keys."""
    stages: list[tuple[str, str, FirstOptions[Any], str | None]] = [
        ("sttConfig", config.stt_provider, config.stt_config, None),
        ("ttsConfig", config.tts_provider, config.tts_config, None),
        ("llmConfig", config.llm_provider, config.llm_config, config.llm_model),
    ]
    for key, provider, options, model in stages:
        yield from _issues((key,), provider, options, model)
        for number, one in enumerate(options.fallbacks):
            yield from _issues((key, "fallbacks", number), one.provider, one, None)


def _issues(
    path: tuple[str | int, ...], provider: str, options: Options, model: str | None
) -> Iterator[ConfigIssue]:
    spec = spec_of(provider).stages[options.stage]
    keys: dict[str, str] = {}
    values: dict[str, Any] = {}
    for key, value in (options.model_extra or {}).items():
        name = option_name(spec.options, key)
        if value is None or value == "":
            continue
        if option_name(dict.fromkeys(spec.objects), key) in spec.objects:
            message = "takes an object of Python, which no configuration holds; leave it out"
            yield ConfigIssue((*path, key), message)
        elif name in spec.options:
            try:
                values[name] = read_option(spec.options[name], value)
                keys[name] = key
            except ValueError as error:
                yield ConfigIssue((*path, key), str(error))
    for name, message in spec.conflicts(model or options.model, values):
        yield ConfigIssue((*path, keys[name]), message)
