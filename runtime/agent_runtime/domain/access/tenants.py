"""Errors of requests and registrations that concern another tenant."""

from __future__ import annotations

from agent_runtime.domain.errors import Conflict, InvalidInput, NotFound


class AgentNotFound(NotFound):
    """Raised when the tenant to which a request is limited has no such agent."""

    remedy = "GET /api/agents lists the tenant's agents"

    def __init__(self, agent_id: int) -> None:
        super().__init__(f"Agent {agent_id} not found")
        self.agent_id = agent_id


class TenantMismatch(InvalidInput):
    """Raised when a session is requested with another tenant than that of the agent's registration."""

    remedy = "send the tenantId with which the agent was registered"

    def __init__(self, agent_id: int) -> None:
        super().__init__(
            f"Agent {agent_id} is registered for another tenant: send the tenantId of its registration"
        )
        self.agent_id = agent_id


class AgentOfOtherTenant(Conflict):
    """Raised when an agent is registered that belongs to another tenant; nothing was changed."""

    remedy = "delete the agent first, or register another id"

    def __init__(self, agent_id: int) -> None:
        super().__init__(
            f"Agent {agent_id} belongs to another tenant: delete it first, or register another id"
        )
        self.agent_id = agent_id
