"""Finds the configuration of a job's agent: a registration, else a row of the `agents` table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.registered import parse_registered
from agent_runtime.agents.row import parse_row
from agent_runtime.domain.errors import AgentUnknown
from agent_runtime.domain.ports.agents import AgentRegistry

STOPPED: Final = "stopped"  # deployment_status of an agent that takes no calls


@dataclass(frozen=True, slots=True)
class FoundAgent:
    """An agent that may talk, its tenant, and how many sessions it may hold at once."""

    config: AgentConfig
    tenant_id: int
    max_sessions: int


async def find_agent(agents: AgentRegistry, agent_id: int, default_limit: int) -> FoundAgent:
    """The registration, else the row of the `agents` table, unless its deployment is stopped.

    `default_limit` is the number of sessions of an agent that names none.
    Raises AgentUnknown, or InvalidAgentConfig, which names the faulty fields or columns.
    """
    registration = await agents.get(agent_id)
    if registration is not None:
        config = parse_registered(registration.config)
        return FoundAgent(config, registration.tenant_id, registration.max_sessions)
    row = await agents.agent_row(agent_id)
    if row is None:
        raise AgentUnknown(agent_id)
    if row["deployment_status"] == STOPPED:
        raise AgentUnknown(agent_id, "its deployment is stopped")
    config = parse_row(row)
    return FoundAgent(config, row["tenant_id"], config.max_concurrent_sessions or default_limit)
