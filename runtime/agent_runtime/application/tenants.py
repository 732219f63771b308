"""What a request is refused that is limited to one tenant.

To a tenant, agents and sessions of others do not exist: it cannot tell them from ids that nobody has.
"""

from __future__ import annotations

from agent_runtime.domain.access.keys import OtherTenant
from agent_runtime.domain.agent import AgentStatus
from agent_runtime.domain.errors import AgentNotFound, AgentOfOtherTenant
from agent_runtime.domain.ports.agents import AgentRegistry


def check_tenant(only_tenant: int | None, tenant_id: int) -> None:
    """Raise OtherTenant when the request names a tenant that it is not limited to."""
    if only_tenant not in (None, tenant_id):
        raise OtherTenant(only_tenant)


class Tenants:
    """Whose an agent is."""

    def __init__(self, agents: AgentRegistry) -> None:
        self._agents = agents

    async def agent_status(self, agent_id: int, tenant_id: int) -> AgentStatus:
        """The status of the tenant's agent. Raises AgentNotFound."""
        status = await self._agents.status(agent_id, tenant_id)
        if not status.registered:
            raise AgentNotFound(agent_id)
        return status

    async def check_agent_row(self, agent_id: int, tenant_id: int) -> None:
        """Raise AgentOfOtherTenant when the platform's table has the agent as another tenant's.

        A tenant that registered such an id would get the callers who wait in that agent's room.
        """
        row = await self._agents.agent_row(agent_id)
        if row is not None and row["tenant_id"] != tenant_id:
            raise AgentOfOtherTenant(agent_id)
