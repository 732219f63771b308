"""The registered form: camelCase, as the builder posts it. Any value may be null, unknown keys are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from pydantic import ValidationError

from agent_runtime.agents.checks.plugin_options import option_issues
from agent_runtime.agents.checks.tools import tool_issues
from agent_runtime.agents.model import AgentConfig
from agent_runtime.domain.errors import MAX_ISSUES, ConfigIssue, InvalidAgentConfig


def parse_registered(config: Mapping[str, Any]) -> AgentConfig:
    """Check the registered form. Raises InvalidAgentConfig, which names each faulty field by its key."""
    return parse_form(config, lambda key: key)


def parse_form(config: Mapping[str, Any], name_of: Callable[[str | int], str | int]) -> AgentConfig:
    """Check a form of other names, given by the keys of the registered one; `name_of` a key is its name.

    Raises InvalidAgentConfig, which names each faulty field by that name.
    """
    try:
        parsed = AgentConfig.model_validate(config)
    except ValidationError as error:
        raise InvalidAgentConfig(
            [
                ConfigIssue(
                    (name_of(fault["loc"][0]), *fault["loc"][1:]) if fault["loc"] else (),
                    str(fault["msg"]).removeprefix("Value error, "),
                )
                for fault in error.errors(include_url=False, include_input=False)[:MAX_ISSUES]
            ]
        ) from None
    if issues := [
        ConfigIssue((name_of(issue.path[0]), *issue.path[1:]), issue.message)
        for issue in (*option_issues(parsed), *islice(tool_issues(parsed), MAX_ISSUES))
    ]:
        raise InvalidAgentConfig(issues)
    return parsed
