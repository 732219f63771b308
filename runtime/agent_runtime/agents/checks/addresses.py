"""Whether the runtime may call the addresses that an agent's configuration names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from agent_runtime.agents.model import AgentConfig
from agent_runtime.domain.errors import ConfigIssue, InvalidAgentConfig
from agent_runtime.egress.policy import EgressPolicy
from agent_runtime.egress.urls import EgressRefused, read
from agent_runtime.providers.common.endpoint import agent_address
from agent_runtime.providers.common.spec import ProviderChoice, ProviderDefaults, Stage
from agent_runtime.providers.registry import spec_of

# A name and a value of a header (RFC 9110, 5.1 and 5.5), and the names that requests of ours set.
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_VALUE: Final = re.compile(r"[\t -~]{0,4096}")
_OURS: Final = frozenset(
    {
        "connection",
        "content-length",
        "content-type",
        "host",
        "transfer-encoding",
        "webhook-id",
        "webhook-signature",
        "webhook-timestamp",
    }
)


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
    issues += tool_address_issues(config, policy_of(providers)) if config.tools else ()
    issues += _webhook_issues(config, policy_of(providers))
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


def policy_of(providers: Mapping[Stage, Mapping[str, ProviderDefaults]]) -> EgressPolicy:
    """The rules for addresses of agents, which are the same for all providers."""
    return next(
        (one.egress for stage in providers.values() for one in stage.values()), EgressPolicy()
    )


def _webhook_issues(config: AgentConfig, policy: EgressPolicy) -> Iterator[ConfigIssue]:
    given: list[tuple[tuple[str | int, ...], str]] = [
        (("webhooks", number, "url"), one.url or "") for number, one in enumerate(config.webhooks)
    ]
    report = config.completion_webhook
    if report is not None and report.enabled and report.url:
        given.append((("completionWebhook", "url"), report.url))
        for name, value in report.headers.items():
            if not _HEADER.fullmatch(name) or name.lower() in _OURS or not _VALUE.fullmatch(value):
                message = "is no header that can be sent; webhook-* and content-* are ours"
                yield ConfigIssue(("completionWebhook", "headers", name[:40]), message)
    elif report is not None and report.enabled:
        yield ConfigIssue(("completionWebhook", "url"), "is needed, unless enabled is false")
    seen: set[str] = set()
    for path, url in given:
        if not url:
            yield ConfigIssue(path, "is needed")
            continue
        try:
            policy.check(read(url))
        except EgressRefused as error:
            yield ConfigIssue(path, str(error))
        if url in seen:
            yield ConfigIssue(path, "is the address of another webhook, too; leave one of them out")
        seen.add(url)


def choices_of(
    config: AgentConfig,
) -> Iterator[tuple[Stage, tuple[str | int, ...], ProviderChoice]]:
    """Every provider that the agent may use, with its stage and its path in the configuration."""
    for stage, first in ((Stage.STT, config.stt), (Stage.LLM, config.llm), (Stage.TTS, config.tts)):
        section = f"{stage.name.lower()}Config"
        yield stage, (section,), first
        for number, fallback in enumerate(first.fallbacks):
            yield stage, (section, "fallbacks", number), fallback
