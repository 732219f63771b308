"""Finds the configuration of a job's agent: a registration, else a row of the `agents` table."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent_runtime.agents.forms.registered import parse_registered
from agent_runtime.agents.forms.row import completed, form_of, parse_row
from agent_runtime.agents.model import AgentConfig
from agent_runtime.domain.agent import STOPPED, Registration
from agent_runtime.domain.errors import AgentStopped, AgentUnknown, InvalidAgentConfig
from agent_runtime.domain.ports.agents import AgentRegistry

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FoundAgent:
    """An agent that may talk, its tenant, and how many sessions it may hold at once.

    `version` is that of its registration; None for a row, which has none.
    """

    config: AgentConfig
    tenant_id: int
    max_sessions: int
    version: int | None = None


async def find_agent(agents: AgentRegistry, agent_id: int, default_limit: int) -> FoundAgent:
    """The registration, completed by the agent's row of the `agents` table; without one, the row.

    `default_limit` is the number of sessions of an agent that names none.
    Raises AgentUnknown, or InvalidAgentConfig, which names the faulty fields or columns.
    """
    registration, row = await asyncio.gather(agents.get(agent_id), agents.agent_row(agent_id))
    if registration is not None:
        config = _completed(registration, row)
        return FoundAgent(
            config, registration.tenant_id, registration.max_sessions, registration.version
        )
    if row is None:
        raise AgentUnknown(agent_id)
    if row["deployment_status"] == STOPPED:
        raise AgentStopped(agent_id)
    config = parse_row(row)
    return FoundAgent(config, row["tenant_id"], config.max_concurrent_sessions or default_limit)


def _completed(registration: Registration, row: Mapping[str, Any] | None) -> AgentConfig:
    """The configuration that was registered, with the values of the row where it has none.

    A row of another tenant is another's, and a faulty row must not harm a registration.
    """
    given = registration.config
    if row is not None and row["tenant_id"] == registration.tenant_id:
        try:
            return parse_registered(completed(given, form_of(row)))
        except InvalidAgentConfig as error:
            logger.warning("agent %d: row not used: %s", registration.agent_id, error)
    return parse_registered(given)
