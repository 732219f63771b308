"""Registers an agent, whoever asks for it: a client over HTTP, or an operator on the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent_runtime.agents.checks.addresses import check_addresses
from agent_runtime.agents.forms.registered import parse_registered
from agent_runtime.agents.instructions import has_variables, template_warnings
from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.templates import Templates
from agent_runtime.agents.templates.library import extended_by
from agent_runtime.application.serviceability import Serviceability
from agent_runtime.domain.agents.agent import REGISTERED, Registration
from agent_runtime.domain.ports.agents import AgentRegistry
from agent_runtime.providers.common.spec import ProviderDefaults, Stage

Providers = Mapping[Stage, Mapping[str, ProviderDefaults]]


@dataclass(frozen=True, slots=True)
class Registered:
    """The version of what was stored, and a warning for what it holds that may not work."""

    version: int
    warnings: Sequence[str]


def checked(config: Mapping[str, Any], providers: Providers, templates: Templates) -> AgentConfig:
    """The configuration as a call uses it. Raises InvalidAgentConfig, naming every faulty field.

    `providers` has the addresses and rules by which those of an agent are judged. Reads the files of the
    templates that the configuration extends.
    """
    parsed = parse_registered(templates.resolved(config))
    check_addresses(parsed, providers)
    return parsed


@dataclass(frozen=True, slots=True)
class Registrar:
    """Checks configurations and stores them.

    `default_max_sessions` is the limit of agents that name none. With `serviceability`, an agent is refused
    whose providers no running worker can serve.
    """

    agents: AgentRegistry
    providers: Providers
    default_max_sessions: int
    templates: Templates
    serviceability: Serviceability | None = None

    async def register(
        self, agent_id: int, tenant_id: int, config: Mapping[str, Any], origin: str = REGISTERED
    ) -> Registered:
        """Register an agent, or replace its configuration; its sessions stay.

        Raises InvalidAgentConfig, naming every faulty field.
        """
        if extended_by(config) is None:
            parsed = checked(config, self.providers, self.templates)
        else:
            parsed = await asyncio.to_thread(checked, config, self.providers, self.templates)
        unknown: Sequence[str] = ()
        if self.serviceability is not None:
            unknown = await self.serviceability.check(parsed)
        limit = parsed.max_concurrent_sessions or self.default_max_sessions
        version = await self.agents.register(
            Registration(
                agent_id,
                tenant_id,
                config,
                limit,
                origin=origin,
                has_variables=has_variables(parsed),
                privacy=parsed.privacy,
                has_webhooks=bool(parsed.subscriptions),
            )
        )
        return Registered(version, [*template_warnings(parsed), *unknown])
