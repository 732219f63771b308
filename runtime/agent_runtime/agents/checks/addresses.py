"""Whether the runtime may call the addresses that an agent's configuration names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from agent_runtime.agents.model import AgentConfig
from agent_runtime.domain.errors import ConfigIssue, InvalidAgentConfig
from agent_runtime.egress.policy import EgressPolicy
from agent_runtime.egress.urls import EgressRefused, read
from agent_runtime.providers.common.endpoint import agent_address
from agent_runtime.providers.common.spec import ProviderChoice, ProviderDefaults, Stage
from agent_runtime.providers.registry import spec_of


def check_addresses(
    config: AgentConfig, providers: Mapping[Stage, Mapping[str, ProviderDefaults]]
) -> None:
    """Judge the addresses of all stages and their fallbacks, as far as that needs no DNS.

    `providers` has the worker's own addresses, and the rules for others. The worker judges again when it
    builds the pipeline, and each connection is judged by the IP address that it really goes to.
    Raises InvalidAgentConfig, which names each faulty field.
    """
    issues: list[ConfigIssue] = []
    for stage, path, choice in choices_of(config):
        defaults = providers[stage][choice.provider]
        try:
            agent_address(spec_of(choice.provider), stage, choice, defaults)
        except EgressRefused as error:
            issues.append(ConfigIssue((*path, "baseUrl"), str(error)))
    issues += tool_address_issues(config, _policy(providers)) if config.tools else ()
    if issues:
        raise InvalidAgentConfig(issues)


def tool_address_issues(config: AgentConfig, policy: EgressPolicy) -> Iterator[ConfigIssue]:
    """Yield a fault for each server of a tool that may not be called."""
    for number, tool in enumerate(config.tools):
        if tool.enabled and tool.server is not None:
            try:
                policy.check(read(tool.server.url))
            except EgressRefused as error:
                yield ConfigIssue(("tools", number, "server", "url"), str(error))


def _policy(providers: Mapping[Stage, Mapping[str, ProviderDefaults]]) -> EgressPolicy:
    """The rules for addresses, which all providers have."""
    return next(iter(providers[Stage.LLM].values())).egress


def choices_of(
    config: AgentConfig,
) -> Iterator[tuple[Stage, tuple[str | int, ...], ProviderChoice]]:
    """Every provider that the agent may use, with its stage and its path in the configuration."""
    for stage, first in ((Stage.STT, config.stt), (Stage.LLM, config.llm), (Stage.TTS, config.tts)):
        section = f"{stage.name.lower()}Config"
        yield stage, (section,), first
        for number, fallback in enumerate(first.fallbacks):
            yield stage, (section, "fallbacks", number), fallback
