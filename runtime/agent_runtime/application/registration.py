"""Registers an agent, whoever asks for it: a client over HTTP, or an operator on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent_runtime.agents.checks.addresses import check_addresses
from agent_runtime.agents.forms.registered import parse_registered
from agent_runtime.agents.model import AgentConfig
from agent_runtime.domain.agent import REGISTERED, Registration
from agent_runtime.domain.ports.agents import AgentRegistry
from agent_runtime.providers.common.spec import ProviderDefaults, Stage

Providers = Mapping[Stage, Mapping[str, ProviderDefaults]]


def checked(config: Mapping[str, Any], providers: Providers) -> AgentConfig:
    """The configuration as a call uses it. Raises InvalidAgentConfig, naming every faulty field.

    `providers` has the addresses and rules by which those of an agent are judged.
    """
    parsed = parse_registered(config)
    check_addresses(parsed, providers)
    return parsed


@dataclass(frozen=True, slots=True)
class Registrar:
    """Checks configurations and stores them.

    `default_max_sessions` is the limit of agents that name none.
    """

    agents: AgentRegistry
    providers: Providers
    default_max_sessions: int

    async def register(
        self, agent_id: int, tenant_id: int, config: Mapping[str, Any], origin: str = REGISTERED
    ) -> int:
        """Register an agent, or replace its configuration; its sessions stay. Returns its version.

        Raises InvalidAgentConfig, naming every faulty field.
        """
        parsed = checked(config, self.providers)
        limit = parsed.max_concurrent_sessions or self.default_max_sessions
        return await self.agents.register(
            Registration(agent_id, tenant_id, config, limit, origin=origin)
        )
