"""Which configuration a job's agent has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.registered import parse_registered
from agent_runtime.agents.row import parse_row
from agent_runtime.domain.errors import AgentUnknown
from agent_runtime.domain.ports.agents import AgentRegistry

STOPPED: Final = "stopped"


@dataclass(frozen=True, slots=True)
class FoundAgent:
    """An agent that may talk, whose it is, and how many sessions it may hold."""

    config: AgentConfig
    tenant_id: int
    max_sessions: int


async def find_agent(agents: AgentRegistry, agent_id: int, default_limit: int) -> FoundAgent:
    """The registration, else the row of the `agents` table unless somebody stopped it.

    Raises AgentUnknown, or InvalidAgentConfig naming the faulty columns.
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
